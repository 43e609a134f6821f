"""The actors of the host conformance kit in Python. What each action does is in docs/HOSTS.md.

    TROUPE_URL=http://127.0.0.1:7700 TROUPE_TOKEN=… python3 examples/python/counter_host.py
"""

import os
import signal
import threading

from troupe_host import ActionError, Actor, Host

counter = Actor("kit.counter", initial=lambda key: {"count": 0})
stateless = Actor("kit.stateless")
SKIP = 2


@counter.action()
def add(context, n):
    context.state["count"] += n
    return context.state["count"]


@counter.action(read_only=True)
def get(context, _):
    return context.state["count"]


@counter.action()
def none(context, _):
    return None


@counter.action()
@stateless.action()
def echo(context, payload):
    return payload


@counter.action()
def big(context, size):
    return "x" * size


@counter.action()
def fail(context, error):
    context.state["count"] = -1
    context.tags["broken"] = "yes"
    context.send("kit.counter", "elsewhere", "add", 1)
    raise ActionError(error["code"], error["message"])


@counter.action()
def slow(context, ms):
    context.cancelled.wait(ms / 1000)
    return "done"


@counter.action()
def tags(context, change):
    for name in change.get("remove", []):
        context.tags.pop(name, None)
    context.tags.update(change.get("set", {}))


@counter.action()
def remove(context, _):
    context.delete()


@counter.action()
def call(context, request):
    return context.call(request["type"], request["key"], request["action"], request.get("payload"))


@counter.action("context")
def show_context(context, _):
    context.reply_metadata["seen"] = "yes"
    return {
        "key": context.key,
        "action": context.action,
        "caller": context.caller.id,
        "roles": list(context.caller.roles),
        "metadata": context.metadata,
        "requestId": context.request_id,
        "idempotencyKey": context.idempotency_key,
        "attempt": context.attempt,
        "revision": context.revision,
        "tags": context.tags,
        "remaining": context.remaining_seconds > 0,
    }


@counter.action()
def effects(context, _):
    context.send("kit.counter", "a", "add", 1, delay_ms=1500, request_id="r-1", metadata={"m": "1"})
    context.forward("kit.counter", "b", "get")
    context.pipe("kit.counter", "c", "add")
    context.broadcast("kit-news", "heard", {"hot": True})
    context.schedule("tick", "add", 1, every_ms=60_000)
    context.schedule("once", "add", 2, delay_ms=2500)
    context.schedule("then", "add", 3, at_ms=1_900_000_000_500)
    context.schedule("noon", "add", 4, cron="0 12 * * *", time_zone="Europe/Berlin", missed=SKIP)
    context.cancel("tock")
    context.checkpoint()


def main():
    url = os.environ.get("TROUPE_URL", "http://127.0.0.1:7700")
    host = Host(url, os.environ.get("TROUPE_TOKEN", ""), [counter, stateless], name="python-counter")
    server = threading.Thread(target=host.serve, daemon=True)
    server.start()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    stop.wait()
    host.close()
    server.join(10)


if __name__ == "__main__":
    main()
