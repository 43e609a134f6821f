"""python-client.py <folder of generated modules> <host:port> <key>: what grpcio sees of a server."""

import json
import sys
import threading

sys.path.insert(0, sys.argv[1])

import grpc

# The generated package grpc.health lies beside grpcio's own grpc.
grpc.__path__.append(sys.argv[1] + "/grpc")
from grpc.health.v1 import health_pb2, health_pb2_grpc
from troupe.v1 import actor_pb2, actor_pb2_grpc, invocation_pb2

_, _, address, key = sys.argv
channel = grpc.insecure_channel(address)
actors = actor_pb2_grpc.ActorServiceStub(channel)
health = health_pb2_grpc.HealthStub(channel)
actor = invocation_pb2.ActorId(type="counter", key=key)


def payload(value):
    return invocation_pb2.Payload(type="application/json", data=json.dumps(value).encode())


def value_of(one):
    return json.loads(one.data) if one.data else None


def add(n, request_id="", to=actor):
    return actor_pb2.InvokeRequest(
        actor=to, action="add", payload=payload(n), request_id=request_id
    )


NAMES = {
    grpc.StatusCode.DEADLINE_EXCEEDED: "DeadlineExceeded",
    grpc.StatusCode.CANCELLED: "Canceled",
    grpc.StatusCode.NOT_FOUND: "NotFound",
    grpc.StatusCode.INVALID_ARGUMENT: "InvalidArgument",
}


def outcome_of(error):
    """Finds troupe.v1.ErrorDetail in google.rpc.Status without its generated module."""
    details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
    name = b"troupe.v1.ErrorDetail"
    at = details.find(name)
    if at < 0:
        return ""
    # After the type URL: the tag and the length of the value.
    start = at + len(name) + 2
    detail = invocation_pb2.ErrorDetail.FromString(details[start : start + details[start - 1]])
    return invocation_pb2.Outcome.Name(detail.outcome).removeprefix("OUTCOME_")


def failure(call):
    try:
        call()
        return ["ok", ""]
    except grpc.RpcError as error:
        return [NAMES.get(error.code(), str(error.code())), outcome_of(error)]
    except grpc.FutureCancelledError:
        return ["Canceled", ""]


def watch():
    seen = []
    states = actors.Watch(actor_pb2.WatchRequest(actor=actor))
    for answer in states:
        seen.append(value_of(answer.state))
        if len(seen) == 2:
            states.cancel()
            return seen
        actors.Invoke(add(2))
    return seen


def watch_health():
    states = health.Watch(health_pb2.HealthCheckRequest(service="counter"))
    seen = [next(states).status]
    states.cancel()
    return seen


def stream():
    to = invocation_pb2.ActorId(type="counter", key=key + "-stream")
    first, everything = threading.Event(), threading.Event()

    def batch(begin):
        calls = [
            actor_pb2.InvokeStreamRequest.Call(id=begin + i, request=add(1, to=to))
            for i in range(5)
        ]
        return actor_pb2.InvokeStreamRequest(calls=calls)

    def requests():
        yield batch(1)
        first.wait(10)
        yield batch(6)
        everything.wait(10)

    seen = []
    for answer in actors.InvokeStream(requests()):
        seen.extend(value_of(result.response.payload) for result in answer.results)
        first.set()
        if len(seen) == 10:
            everything.set()
    return seen


def canceled():
    slow = actors.Invoke.future(
        actor_pb2.InvokeRequest(actor=actor, action="slow", payload=payload(20_000))
    )
    health.Check(health_pb2.HealthCheckRequest())
    slow.cancel()
    return failure(slow.result)


one = actors.Invoke(add(1, "once"))
again = actors.Invoke(add(1, "once"))
late = actor_pb2.InvokeRequest(actor=actor, action="slow", payload=payload(20_000))
nobody = invocation_pb2.ActorId(type="nobody", key=key)
report = {
    "values": [value_of(one.payload), value_of(again.payload)],
    "replayed": [one.replayed, again.replayed],
    "watched": watch(),
    "streamed": stream(),
    "health": health.Check(health_pb2.HealthCheckRequest()).status,
    "watchedHealth": watch_health(),
    "deadline": failure(lambda: actors.Invoke(late, timeout=0.2)),
    "canceled": canceled(),
    "unknown": failure(lambda: actors.Invoke(add(1, to=nobody))),
    "invalid": failure(lambda: actors.Invoke(add("x"))),
    "state": value_of(actors.GetState(actor_pb2.GetStateRequest(actor=actor)).state),
}
channel.close()
print(json.dumps(report))
