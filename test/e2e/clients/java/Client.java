import static io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING;
import static io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING;
import static io.grpc.MethodDescriptor.MethodType.UNARY;

import com.google.protobuf.ByteString;
import com.google.protobuf.Internal;
import com.google.protobuf.Message;
import com.google.rpc.Code;
import grpc.health.v1.HealthOuterClass.HealthCheckRequest;
import grpc.health.v1.HealthOuterClass.HealthCheckResponse;
import io.grpc.CallOptions;
import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.BlockingClientCall;
import io.grpc.stub.ClientCalls;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import troupe.v1.Actor.GetStateRequest;
import troupe.v1.Actor.GetStateResponse;
import troupe.v1.Actor.InvokeRequest;
import troupe.v1.Actor.InvokeResponse;
import troupe.v1.Actor.InvokeStreamRequest;
import troupe.v1.Actor.InvokeStreamResponse;
import troupe.v1.Actor.WatchRequest;
import troupe.v1.Actor.WatchResponse;
import troupe.v1.Invocation.ActorId;
import troupe.v1.Invocation.ErrorDetail;
import troupe.v1.Invocation.Payload;

// What grpc-java sees of a server: Client <host:port> <key>. Values stay the JSON that they are.
final class Client {
  private static final Map<Code, String> NAMES =
      Map.of(
          Code.DEADLINE_EXCEEDED, "DeadlineExceeded",
          Code.CANCELLED, "Canceled",
          Code.NOT_FOUND, "NotFound",
          Code.INVALID_ARGUMENT, "InvalidArgument");

  private static final String ACTORS = "troupe.v1.ActorService/";
  private static final String HEALTH = "grpc.health.v1.Health/";
  private static final MethodDescriptor<InvokeRequest, InvokeResponse> INVOKE =
      method(UNARY, ACTORS + "Invoke", InvokeRequest.class, InvokeResponse.class);
  private static final MethodDescriptor<GetStateRequest, GetStateResponse> GET_STATE =
      method(UNARY, ACTORS + "GetState", GetStateRequest.class, GetStateResponse.class);
  private static final MethodDescriptor<WatchRequest, WatchResponse> WATCH =
      method(SERVER_STREAMING, ACTORS + "Watch", WatchRequest.class, WatchResponse.class);
  private static final MethodDescriptor<InvokeStreamRequest, InvokeStreamResponse> INVOKE_STREAM =
      method(
          BIDI_STREAMING,
          ACTORS + "InvokeStream",
          InvokeStreamRequest.class,
          InvokeStreamResponse.class);
  private static final MethodDescriptor<HealthCheckRequest, HealthCheckResponse> CHECK_HEALTH =
      method(UNARY, HEALTH + "Check", HealthCheckRequest.class, HealthCheckResponse.class);
  private static final MethodDescriptor<HealthCheckRequest, HealthCheckResponse> WATCH_HEALTH =
      method(
          SERVER_STREAMING, HEALTH + "Watch", HealthCheckRequest.class, HealthCheckResponse.class);

  private final ManagedChannel channel;
  private final ActorId actor;

  private Client(ManagedChannel channel, String key) {
    this.channel = channel;
    actor = counter(key);
  }

  public static void main(String[] args) throws Exception {
    ManagedChannel channel = ManagedChannelBuilder.forTarget(args[0]).usePlaintext().build();
    System.out.println(object(new Client(channel, args[1]).report()));
    channel.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
  }

  private Map<String, Object> report() throws Exception {
    var first = invoke(add(actor, "1", "once"));
    var again = invoke(add(actor, "1", "once"));
    var slow = call(actor, "slow", "20000", "");
    var nobody = ActorId.newBuilder().setType("nobody").setKey(actor.getKey()).build();
    var report = new LinkedHashMap<String, Object>();
    report.put("values", List.of(valueOf(first.getPayload()), valueOf(again.getPayload())));
    report.put("replayed", List.of(first.getReplayed(), again.getReplayed()));
    report.put("watched", watch());
    report.put("streamed", stream(counter(actor.getKey() + "-stream")));
    report.put("health", checkHealth());
    report.put("watchedHealth", watchHealth());
    var hurried = CallOptions.DEFAULT.withDeadlineAfter(200, TimeUnit.MILLISECONDS);
    report.put(
        "deadline",
        failure(() -> ClientCalls.blockingV2UnaryCall(channel, INVOKE, hurried, slow)));
    report.put("canceled", canceled(slow));
    report.put("unknown", failure(() -> invoke(add(nobody, "1", ""))));
    report.put("invalid", failure(() -> invoke(add(actor, "\"x\"", ""))));
    var state = answer(GET_STATE, GetStateRequest.newBuilder().setActor(actor).build());
    report.put("state", valueOf(state.getState()));
    return report;
  }

  private List<String> watch() throws Exception {
    var seen = new ArrayList<String>();
    var states = answers(WATCH, WatchRequest.newBuilder().setActor(actor).build());
    seen.add(valueOf(states.read().getState()));
    invoke(add(actor, "2", ""));
    seen.add(valueOf(states.read().getState()));
    states.cancel("seen enough", null);
    return seen;
  }

  /** Ten calls in two batches; the second is sent when the first answer has come. */
  private List<String> stream(ActorId to) throws Exception {
    var seen = new ArrayList<String>();
    var stream = ClientCalls.blockingBidiStreamingCall(channel, INVOKE_STREAM, CallOptions.DEFAULT);
    stream.write(batch(to, 1));
    for (var answer = stream.read(); answer != null; answer = stream.read()) {
      if (seen.isEmpty()) stream.write(batch(to, 6));
      answer.getResultsList().forEach(one -> seen.add(valueOf(one.getResponse().getPayload())));
      if (seen.size() == 10) stream.halfClose();
    }
    return seen;
  }

  private int checkHealth() throws Exception {
    return answer(CHECK_HEALTH, HealthCheckRequest.getDefaultInstance()).getStatusValue();
  }

  private List<Integer> watchHealth() throws Exception {
    var ofType = HealthCheckRequest.newBuilder().setService("counter").build();
    var states = answers(WATCH_HEALTH, ofType);
    var seen = List.of(states.read().getStatusValue());
    states.cancel("seen enough", null);
    return seen;
  }

  /** Takes a call back when another, sent after it, has been answered. */
  private List<String> canceled(InvokeRequest slow) throws Exception {
    try (var context = Context.current().withCancellation()) {
      Callable<Future<InvokeResponse>> start =
          () -> ClientCalls.futureUnaryCall(channel.newCall(INVOKE, CallOptions.DEFAULT), slow);
      var answer = context.call(start);
      checkHealth();
      context.cancel(null);
      return failure(answer::get);
    }
  }

  private InvokeResponse invoke(InvokeRequest request) throws Exception {
    return answer(INVOKE, request);
  }

  private <Q, A> A answer(MethodDescriptor<Q, A> method, Q request) throws Exception {
    return ClientCalls.blockingV2UnaryCall(channel, method, CallOptions.DEFAULT, request);
  }

  private <Q, A> BlockingClientCall<Q, A> answers(MethodDescriptor<Q, A> method, Q request) {
    return ClientCalls.blockingV2ServerStreamingCall(
        channel, method, CallOptions.DEFAULT, request);
  }

  private static <Q extends Message, A extends Message> MethodDescriptor<Q, A> method(
      MethodType kind, String name, Class<Q> request, Class<A> answer) {
    return MethodDescriptor.<Q, A>newBuilder()
        .setType(kind)
        .setFullMethodName(name)
        .setRequestMarshaller(ProtoUtils.marshaller(Internal.getDefaultInstance(request)))
        .setResponseMarshaller(ProtoUtils.marshaller(Internal.getDefaultInstance(answer)))
        .build();
  }

  private static List<String> failure(Callable<?> call) throws Exception {
    try {
      call.call();
      return List.of("\"ok\"", "\"\"");
    } catch (Exception error) {
      var status = StatusProto.fromThrowable(error);
      if (status == null) throw error;
      var outcome = "";
      for (var detail : status.getDetailsList()) {
        if (!detail.is(ErrorDetail.class)) continue;
        outcome = detail.unpack(ErrorDetail.class).getOutcome().name().replace("OUTCOME_", "");
      }
      var code = Code.forNumber(status.getCode());
      return List.of(quoted(NAMES.getOrDefault(code, code.name())), quoted(outcome));
    }
  }

  private static ActorId counter(String key) {
    return ActorId.newBuilder().setType("counter").setKey(key).build();
  }

  private static InvokeRequest add(ActorId to, String json, String requestId) {
    return call(to, "add", json, requestId);
  }

  private static InvokeRequest call(ActorId to, String action, String json, String requestId) {
    var data = ByteString.copyFromUtf8(json);
    return InvokeRequest.newBuilder()
        .setActor(to)
        .setAction(action)
        .setPayload(Payload.newBuilder().setType("application/json").setData(data))
        .setRequestId(requestId)
        .build();
  }

  private static InvokeStreamRequest batch(ActorId to, int from) {
    var batch = InvokeStreamRequest.newBuilder();
    for (int id = from; id < from + 5; id++) {
      batch.addCallsBuilder().setId(id).setRequest(add(to, "1", ""));
    }
    return batch.build();
  }

  private static String valueOf(Payload payload) {
    return payload.getData().isEmpty() ? "null" : payload.getData().toStringUtf8();
  }

  private static String quoted(String name) {
    return '"' + name + '"';
  }

  /** A list of values prints as JSON by itself. */
  private static String object(Map<String, Object> fields) {
    var parts = new ArrayList<String>();
    fields.forEach((name, value) -> parts.add(quoted(name) + ":" + value));
    return "{" + String.join(",", parts) + "}";
  }
}
