/** What the JSON interface answered. */
export interface JsonAnswer {
  readonly status: number;
  /** The parsed body; `undefined` if it is empty. */
  readonly value: unknown;
  readonly revision: number;
  readonly replayed: boolean;
}

/** One action of one actor by `POST /v1/{type}/{key}/{action}`, as people call it. */
export async function callJson(
  url: string,
  path: string,
  input?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<JsonAnswer> {
  const response = await fetch(`${url}/v1/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    ...(input !== undefined && { body: JSON.stringify(input) }),
  });
  return answerOf(response);
}

/** The state of one actor by `GET /v1/{type}/{key}`. */
export async function readJson(url: string, path: string): Promise<JsonAnswer> {
  return answerOf(await fetch(`${url}/v1/${path}`));
}

async function answerOf(response: Response): Promise<JsonAnswer> {
  const text = await response.text();
  return {
    status: response.status,
    value: text === "" ? undefined : (JSON.parse(text) as unknown),
    revision: Number(response.headers.get("x-troupe-revision")),
    replayed: response.headers.get("x-troupe-replayed") === "true",
  };
}
