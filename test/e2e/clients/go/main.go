// What grpc-go sees of a server: main <descriptor set> <host:port> <key>. Messages are dynamic, so
// that nothing has to be generated.
package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

const service = "/troupe.v1.ActorService/"

type object = map[string]any

type client struct {
	conn  *grpc.ClientConn
	files *protoregistry.Files
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func (c *client) message(name string) *dynamicpb.Message {
	found, err := c.files.FindDescriptorByName(protoreflect.FullName("troupe.v1." + name))
	must(err)
	return dynamicpb.NewMessage(found.(protoreflect.MessageDescriptor))
}

func (c *client) fill(name string, value object) *dynamicpb.Message {
	text, err := json.Marshal(value)
	must(err)
	message := c.message(name)
	must(protojson.Unmarshal(text, message))
	return message
}

func read(message proto.Message) object {
	text, err := protojson.Marshal(message)
	must(err)
	var value object
	must(json.Unmarshal(text, &value))
	return value
}

func (c *client) call(ctx context.Context, method string, value object) (object, error) {
	answer := c.message(method + "Response")
	err := c.conn.Invoke(ctx, service+method, c.fill(method+"Request", value), answer)
	if err != nil {
		return nil, err
	}
	return read(answer), nil
}

func (c *client) stream(ctx context.Context, method string, both bool) grpc.ClientStream {
	stream, err := c.conn.NewStream(
		ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: both}, service+method)
	must(err)
	return stream
}

func payload(value any) object {
	text, err := json.Marshal(value)
	must(err)
	return object{"type": "application/json", "data": base64.StdEncoding.EncodeToString(text)}
}

func valueOf(holder any) any {
	held, _ := holder.(object)
	data, _ := held["data"].(string)
	text, err := base64.StdEncoding.DecodeString(data)
	must(err)
	var value any
	if len(text) > 0 {
		must(json.Unmarshal(text, &value))
	}
	return value
}

func failure(err error) [2]string {
	said := status.Convert(err)
	name := said.Code().String()
	outcome := ""
	for _, detail := range said.Proto().GetDetails() {
		if detail.TypeUrl != "type.googleapis.com/troupe.v1.ErrorDetail" {
			continue
		}
		var kept = shared.message("ErrorDetail")
		must(proto.Unmarshal(detail.Value, kept))
		text, _ := read(kept)["outcome"].(string)
		outcome = text[len("OUTCOME_"):]
	}
	if said.Code() == codes.Canceled {
		name = "Canceled"
	}
	return [2]string{name, outcome}
}

var shared *client

func main() {
	image, err := os.ReadFile(os.Args[1])
	must(err)
	set := &descriptorpb.FileDescriptorSet{}
	must(proto.Unmarshal(image, set))
	files, err := protodesc.NewFiles(set)
	must(err)
	conn, err := grpc.NewClient(os.Args[2], grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(err)
	shared = &client{conn, files}
	report, err := json.Marshal(run(shared, os.Args[3]))
	must(err)
	fmt.Println(string(report))
}

func run(c *client, key string) object {
	ctx := context.Background()
	actor := object{"type": "counter", "key": key}
	add := func(n any, id string) object {
		return object{"actor": actor, "action": "add", "payload": payload(n), "requestId": id}
	}
	first, err := c.call(ctx, "Invoke", add(1, "once"))
	must(err)
	again, err := c.call(ctx, "Invoke", add(1, "once"))
	must(err)
	watched := c.watch(ctx, object{"actor": actor}, add(2, ""))
	health := healthpb.NewHealthClient(c.conn)
	whole, err := health.Check(ctx, &healthpb.HealthCheckRequest{})
	must(err)
	watching, stop := context.WithCancel(ctx)
	states, err := health.Watch(watching, &healthpb.HealthCheckRequest{Service: "counter"})
	must(err)
	ofType, err := states.Recv()
	must(err)
	stop()
	late := object{"actor": actor, "action": "slow", "payload": payload(20_000)}
	short, over := context.WithTimeout(ctx, 200*time.Millisecond)
	defer over()
	_, deadline := c.call(short, "Invoke", late)
	taken, take := context.WithCancel(ctx)
	time.AfterFunc(100*time.Millisecond, take)
	_, canceled := c.call(taken, "Invoke", late)
	_, unknown := c.call(ctx, "Invoke", object{"actor": object{"type": "nobody", "key": key}, "action": "add"})
	_, invalid := c.call(ctx, "Invoke", add("x", ""))
	state, err := c.call(ctx, "GetState", object{"actor": actor})
	must(err)
	return object{
		"values":        []any{valueOf(first["payload"]), valueOf(again["payload"])},
		"replayed":      []bool{first["replayed"] == true, again["replayed"] == true},
		"watched":       watched,
		"streamed":      c.batches(ctx, object{"type": "counter", "key": key + "-stream"}),
		"health":        whole.Status,
		"watchedHealth": []any{ofType.Status},
		"deadline":      failure(deadline),
		"canceled":      failure(canceled),
		"unknown":       failure(unknown),
		"invalid":       failure(invalid),
		"state":         valueOf(state["state"]),
	}
}

func (c *client) watch(ctx context.Context, request object, change object) []any {
	watching, stop := context.WithCancel(ctx)
	defer stop()
	stream := c.stream(watching, "Watch", false)
	must(stream.SendMsg(c.fill("WatchRequest", request)))
	must(stream.CloseSend())
	seen := []any{}
	for len(seen) < 2 {
		answer := c.message("WatchResponse")
		must(stream.RecvMsg(answer))
		seen = append(seen, valueOf(read(answer)["state"]))
		if len(seen) == 1 {
			_, err := c.call(ctx, "Invoke", change)
			must(err)
		}
	}
	return seen
}

// Ten calls in two batches; the second is sent when the first answer has come.
func (c *client) batches(ctx context.Context, to object) []any {
	stream := c.stream(ctx, "InvokeStream", true)
	send := func(from int) {
		calls := []object{}
		for i := range 5 {
			request := object{"actor": to, "action": "add", "payload": payload(1)}
			calls = append(calls, object{"id": from + i, "request": request})
		}
		must(stream.SendMsg(c.fill("InvokeStreamRequest", object{"calls": calls})))
	}
	send(1)
	seen := []any{}
	for {
		answer := c.message("InvokeStreamResponse")
		err := stream.RecvMsg(answer)
		if err == io.EOF {
			return seen
		}
		must(err)
		if len(seen) == 0 {
			send(6)
		}
		for _, result := range read(answer)["results"].([]any) {
			response, _ := result.(object)["response"].(object)
			seen = append(seen, valueOf(response["payload"]))
		}
		if len(seen) == 10 {
			must(stream.CloseSend())
		}
	}
}
