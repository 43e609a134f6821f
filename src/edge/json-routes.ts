import { type Context, Hono } from "hono";
import { toServerError } from "../domain/error.ts";
import type { Caller } from "../domain/invocation.ts";
import type { HttpRequest, HttpResponse } from "../node/ports.ts";
import { unsupported } from "./gates/refusal.ts";
import { JsonCall, type JsonTarget, jsonTarget } from "./json-call.ts";
import { protocolOf, refuseAsJson } from "./protocols.ts";
import type { UnaryShared } from "./unary-call.ts";

interface Bindings {
  readonly request: HttpRequest;
  readonly response: HttpResponse;
  readonly caller: Caller;
}
type Env = { Bindings: Bindings };
type Routed = Context<Env>;

const CALL_PATHS = ["/v1/:type/:key/:action", "/v1/:system/:type/:key/:action"] as const;
const STATE_PATHS = ["/v1/:type/:key", "/v1/:system/:type/:key"] as const;

/**
 * The JSON routes for people: calls, states, and what is answered to a path or method that does not
 * exist. The hot route, a call, is also reached without the router, by `call`.
 */
export class JsonRoutes {
  readonly #shared: UnaryShared;
  readonly #app = new Hono<Env>();

  constructor(shared: UnaryShared) {
    this.#shared = shared;
    const app = this.#app;
    app.on("POST", [...CALL_PATHS], (context) => this.#start(context, "call"));
    app.on("GET", [...STATE_PATHS], (context) => this.#start(context, "state"));
    // A path of three segments can be both: then each method has its meaning.
    app.all("/v1/:system/:type/:key/:action", (context) => notAllowed(context, "POST"));
    app.all("/v1/:a/:b/:c", (context) => notAllowed(context, "GET, POST"));
    app.all("/v1/:type/:key", (context) => notAllowed(context, "GET"));
    app.get("/", (context) => {
      context.env.response.send(200, { "content-type": "application/json" }, '{"name":"troupe"}\n');
      return answered();
    });
    app.notFound((context) => {
      refuseRoute(context.env.request, context.env.response);
      return answered();
    });
  }

  /** Starts the call that a POST to `path` names; false if it names none. */
  call(path: string, request: HttpRequest, response: HttpResponse, caller: Caller): boolean {
    let target: JsonTarget | undefined;
    try {
      target = jsonTarget(path, "call");
    } catch (error) {
      refuseAsJson(response, toServerError(error, "not_started"));
      return true;
    }
    if (target === undefined) return false;
    new JsonCall(this.#shared, target, request, response, caller).start();
    return true;
  }

  /** Answers every other request. Never throws. */
  async serve(
    path: string,
    request: HttpRequest,
    response: HttpResponse,
    caller: Caller,
  ): Promise<void> {
    try {
      const url = `http://host${path}`;
      const bindings: Bindings = { request, response, caller };
      if (!URL.canParse(url)) return refuseRoute(request, response);
      await this.#app.fetch(new Request(url, { method: request.method }), bindings);
    } catch (error) {
      refuseAsJson(response, toServerError(error));
    }
  }

  #start({ env }: Routed, kind: JsonTarget["kind"]): Response {
    const { request, response, caller } = env;
    try {
      const target = jsonTarget(request.target.replace(/\?.*$/, ""), kind);
      if (target === undefined) refuseRoute(request, response);
      else new JsonCall(this.#shared, target, request, response, caller).start();
    } catch (error) {
      refuseAsJson(response, toServerError(error, "not_started"));
    }
    return answered();
  }
}

/** The answer has been given on our own response; this one only satisfies the router. */
const answered = (): Response => new Response();

function notAllowed({ env }: Routed, allow: string): Response {
  const error = unsupported("this path takes another method", "METHOD");
  refuseAsJson(env.response, error, 405, { allow });
  return answered();
}

/** There is nothing at this path: 404, or what gRPC says of an unknown method. */
function refuseRoute(request: HttpRequest, response: HttpResponse): void {
  const error = unsupported("there is nothing at this path", "NO_ROUTE");
  const protocol = protocolOf(request.header("content-type"));
  if (protocol === undefined || protocol.name === "connect") refuseAsJson(response, error, 404);
  else protocol.refuse(response, error);
}
