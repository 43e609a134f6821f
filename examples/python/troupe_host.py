"""A host for actors in Python: one gRPC stream, frames in batches.

The whole protocol is in proto/troupe/v1/host.proto and docs/HOSTS.md.
"""

import json
import queue
import random
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import grpc

from troupe_protocol import actor_pb2, host_pb2, host_pb2_grpc, invocation_pb2

JSON = "application/json"
VERSION = 1
LARGEST_MESSAGE = 16 * 1024 * 1024


class ActionError(Exception):
    """Fails a turn with a code of its own; state, tags and effects stay as they were."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def to_payload(value):
    """JSON, unless it is a payload already; None is the empty one."""
    if value is None:
        return invocation_pb2.Payload()
    if isinstance(value, invocation_pb2.Payload):
        return value
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return invocation_pb2.Payload(type=JSON, data=text.encode())


def from_payload(payload):
    """The JSON value; None if it is empty, the payload itself if it is no JSON."""
    if not payload.data:
        return None
    return json.loads(payload.data) if payload.type in (JSON, "") else payload


def _set_milliseconds(duration, ms):
    duration.FromNanoseconds(int(ms * 1_000_000))


class Actor:
    """An actor type: `initial(key)` gives the state of an actor that has none yet."""

    def __init__(self, type_name, initial=None, system="default"):
        self.type = type_name
        self.system = system
        self.initial = initial
        self.actions = {}
        self.read_only = set()

    def action(self, name=None, read_only=False):
        """Decorates a function of (context, argument) whose result is the reply."""

        def register(function):
            action_name = name or function.__name__
            self.actions[action_name] = function
            if read_only:
                self.read_only.add(action_name)
            return function

        return register

    def registration(self):
        actions = [
            host_pb2.ActionSpec(name=name, read_only=name in self.read_only) for name in self.actions
        ]
        return host_pb2.ActorType(
            system=self.system, type=self.type, actions=actions, stateless=self.initial is None
        )


class Context:
    """What an action has at hand. `state` and `tags` are changed in place or assigned."""

    def __init__(self, session, invocation, turn, state, tags):
        self._session = session
        self._turn = turn
        self._deadline = time.monotonic() + turn.timeout.ToNanoseconds() / 1e9
        self.system = invocation.actor.system
        self.type = invocation.actor.type
        self.key = invocation.actor.key
        self.revision = invocation.revision
        self.action = turn.action
        self.caller = turn.caller
        self.metadata = dict(turn.metadata)
        self.request_id = turn.request_id
        self.idempotency_key = turn.idempotency_key
        self.attempt = turn.attempt
        self.state = state
        self.tags = dict(tags)
        self.reply_metadata = {}
        self.effects = []
        self.cancelled = session.cancelled(invocation.id)

    @property
    def remaining_seconds(self):
        return max(0.0, self._deadline - time.monotonic())

    def _actor_id(self, type_name, key):
        return invocation_pb2.ActorId(system=self.system, type=type_name, key=key)

    def _effect(self, **kind):
        self.effects.append(invocation_pb2.Effect(**kind))

    def call(self, type_name, key, action, value=None):
        """Calls another actor and waits for its reply. Raises ActionError with the failure's code."""
        request = actor_pb2.InvokeRequest(
            actor=self._actor_id(type_name, key),
            action=action,
            payload=to_payload(value),
            turn_token=self._turn.turn_token,
        )
        _set_milliseconds(request.timeout, max(1, self.remaining_seconds * 1000))
        return self._session.call(request, self.remaining_seconds + 1)

    def send(self, type_name, key, action, value=None, delay_ms=0, request_id="", metadata=None):
        effect = invocation_pb2.SendEffect(
            target=self._actor_id(type_name, key),
            action=action,
            payload=to_payload(value),
            request_id=request_id,
            metadata=metadata or {},
        )
        _set_milliseconds(effect.delay, delay_ms)
        self._effect(send=effect)

    def forward(self, type_name, key, action):
        target = self._actor_id(type_name, key)
        self._effect(forward=invocation_pb2.ForwardEffect(target=target, action=action))

    def pipe(self, type_name, key, action):
        target = self._actor_id(type_name, key)
        self._effect(pipe=invocation_pb2.PipeEffect(target=target, action=action))

    def broadcast(self, channel, action, value=None):
        payload = to_payload(value)
        self._effect(
            broadcast=invocation_pb2.BroadcastEffect(channel=channel, action=action, payload=payload)
        )

    def schedule(self, name, action, value=None, every_ms=None, delay_ms=None, at_ms=None, cron=None, time_zone="", missed=0):
        effect = invocation_pb2.ScheduleEffect(
            name=name, action=action, payload=to_payload(value), time_zone=time_zone, missed=missed
        )
        if every_ms is not None:
            _set_milliseconds(effect.every, every_ms)
        elif delay_ms is not None:
            _set_milliseconds(effect.delay, delay_ms)
        elif at_ms is not None:
            effect.at.FromMilliseconds(at_ms)
        else:
            effect.cron = cron
        self._effect(schedule=effect)

    def cancel(self, name):
        self._effect(cancel_schedule=invocation_pb2.CancelScheduleEffect(name=name))

    def checkpoint(self):
        self._effect(checkpoint=invocation_pb2.CheckpointEffect())

    def delete(self, shred=False):
        self._effect(delete=invocation_pb2.DeleteEffect(shred=shred))


def _text(state):
    return json.dumps(state, ensure_ascii=False, sort_keys=True)


def run_invocation(session, actor, invocation):
    """Runs the turns in order, each on the state the one before left."""
    result = host_pb2.InvocationResult(id=invocation.id)
    initial = actor.initial(invocation.actor.key) if actor.initial else None
    present = invocation.HasField("state")
    state = from_payload(invocation.state) if present else initial
    # A copy as text is what a failed turn goes back to, and what tells whether a turn changed it.
    text = _text(state)
    tags = before_tags = dict(invocation.tags)
    changed_state = False
    for turn in invocation.turns:
        outcome = result.outcomes.add(turn_id=turn.turn_id)
        context = Context(session, invocation, turn, json.loads(text), tags)
        try:
            action = actor.actions.get(turn.action)
            if action is None:
                raise ActionError("unimplemented", f"{actor.type} has no action {turn.action}")
            reply = to_payload(action(context, from_payload(turn.payload)))
            new_text = _text(context.state)
        except Exception as error:  # Whatever user code throws is the turn's failure.
            outcome.error.code = getattr(error, "code", None) or "unknown"
            outcome.error.message = str(error)
            continue
        outcome.reply.CopyFrom(reply)
        outcome.effects.extend(context.effects)
        outcome.metadata.update(context.reply_metadata)
        removed = any(effect.HasField("delete") for effect in context.effects)
        outcome.changed = context.tags != tags or (not removed and new_text != text)
        tags = context.tags
        if removed:
            present, changed_state, text = False, False, _text(initial)
        elif new_text != text:
            present, changed_state, text, state = True, True, new_text, context.state
            if invocation.keep_states:
                outcome.state.CopyFrom(to_payload(state))
    if changed_state:
        result.state.CopyFrom(to_payload(state))
    elif present:
        result.state.CopyFrom(invocation.state)
    for name, value in tags.items():
        if before_tags.get(name) != value:
            result.tags.set[name] = value
    result.tags.remove.extend(name for name in before_tags if name not in tags)
    return result


class _Session:
    """One stream: what is ready together leaves in one frame."""

    def __init__(self, host):
        self._host = host
        self._outgoing = queue.SimpleQueue()
        self._cancelled = {}
        self._calls = {}
        self._next_call = 1
        self._lock = threading.Lock()
        self._running = 0
        self._server_draining = False

    def requests(self):
        """The frames of the stream, for gRPC to read."""
        yield self._hello()
        while True:
            entry = self._outgoing.get()
            frame = host_pb2.AttachRequest()
            size = 0
            while entry is not None:
                size += self._add(frame, entry)
                if size > 1024 * 1024 or self._outgoing.empty():
                    break
                entry = self._outgoing.get()
            if frame.ByteSize():
                yield frame
            if entry is None:
                return

    def receive(self, frame):
        for invocation in frame.invocations:
            with self._lock:
                self._running += 1
                self._cancelled[invocation.id] = threading.Event()
            self._host.pool.submit(self._run, invocation)
        for invocation_id in frame.cancel:
            self.cancelled(invocation_id).set()
        for answer in frame.call_results:
            waiting = self._calls.pop(answer.id, None)
            if waiting:
                waiting.set_result(answer)
        if frame.draining or self._host.closing.is_set():
            self.drain()

    def drain(self):
        with self._lock:
            self._server_draining = True
            idle = self._running == 0
        if idle:
            self._outgoing.put(None)

    def end(self):
        self._outgoing.put(None)
        for waiting in list(self._calls.values()):
            waiting.cancel()

    def cancelled(self, invocation_id):
        with self._lock:
            return self._cancelled.get(invocation_id) or threading.Event()

    def call(self, request, timeout_seconds):
        waiting = Future()
        with self._lock:
            call_id = self._next_call
            self._next_call += 1
            self._calls[call_id] = waiting
        self._outgoing.put(host_pb2.HostCall(id=call_id, request=request))
        try:
            answer = waiting.result(timeout_seconds)
        except BaseException as error:
            raise ActionError("unavailable", "the call was not answered") from error
        if answer.HasField("response"):
            return from_payload(answer.response.payload)
        raise ActionError(answer.error.detail.host_code or answer.error.code, answer.error.message)

    def _hello(self):
        host = self._host
        hello = host_pb2.Hello(
            token=host.token,
            version=VERSION,
            sdk="troupe-python/0.1.0",
            host_name=host.name,
            credit=host.credit,
            types=[actor.registration() for actor in host.actors.values()],
        )
        return host_pb2.AttachRequest(hello=hello)

    def _add(self, frame, entry):
        if isinstance(entry, host_pb2.HostCall):
            frame.calls.append(entry)
        else:
            result, turns = entry
            frame.results.append(result)
            frame.credit += turns
        return entry.ByteSize() if isinstance(entry, host_pb2.HostCall) else entry[0].ByteSize()

    def _run(self, invocation):
        actor = self._host.actors.get((invocation.actor.system, invocation.actor.type))
        try:
            result = run_invocation(self, actor or Actor("unknown"), invocation)
        except Exception as error:
            failure = host_pb2.TurnError(code="unknown", message=str(error))
            result = host_pb2.InvocationResult(id=invocation.id, error=failure)
        self._outgoing.put((result, len(invocation.turns)))
        with self._lock:
            self._running -= 1
            del self._cancelled[invocation.id]
            leave = self._server_draining and self._running == 0
        if leave:
            self._outgoing.put(None)


class Host:
    """Attaches actors to a server, and attaches again whenever the stream ends."""

    def __init__(self, url, token, actors, credit=50, name="python-host", threads=16):
        self.target = url.split("://", 1)[-1]
        self.token = token
        self.credit = credit
        self.name = name
        self.actors = {(actor.system, actor.type): actor for actor in actors}
        self.closing = threading.Event()
        self.pool = ThreadPoolExecutor(threads)
        self._session = None

    def serve(self):
        """Runs until `close`."""
        delay = 0.1
        while not self.closing.is_set():
            began = time.monotonic()
            try:
                self._attach()
            except grpc.RpcError as error:
                print(f"detached: {error.code().name}: {error.details()}", file=sys.stderr)
            if time.monotonic() - began > 10:
                delay = 0.1
            self.closing.wait(delay * random.uniform(0.5, 1))
            delay = min(5, delay * 2)

    def close(self):
        """Finishes running turns and detaches."""
        self.closing.set()
        if self._session:
            self._session.drain()

    def _attach(self):
        options = [
            ("grpc.max_receive_message_length", LARGEST_MESSAGE),
            ("grpc.max_send_message_length", LARGEST_MESSAGE),
            ("grpc.keepalive_time_ms", 20_000),
        ]
        with grpc.insecure_channel(self.target, options) as channel:
            session = self._session = _Session(self)
            try:
                stub = host_pb2_grpc.HostServiceStub(channel)
                for frame in stub.Attach(session.requests()):
                    session.receive(frame)
            finally:
                session.end()
