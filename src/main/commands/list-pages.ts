/** One page of a list. */
export interface Page<Row> {
  readonly rows: readonly Row[];
  /** "" on the last page. */
  readonly nextPageToken: string;
}

/** How many rows are wanted, and how one page of them is had. */
export interface PagesOptions<Row> {
  /** 0 for all. */
  readonly limit: number;
  readonly pageSize: number;
  readonly ask: (page: { pageSize: number; pageToken: string }) => Promise<Page<Row>>;
}

/** The pages of a list, until the limit or its end; `more` says whether rows were left. */
export async function* listPages<Row>({
  limit,
  pageSize: largest,
  ask,
}: PagesOptions<Row>): AsyncGenerator<{ readonly rows: readonly Row[]; readonly more: boolean }> {
  let left = limit === 0 ? Number.POSITIVE_INFINITY : limit;
  let pageToken = "";
  do {
    const page = await ask({ pageSize: Math.min(left, largest), pageToken });
    left -= page.rows.length;
    pageToken = page.nextPageToken;
    yield { rows: page.rows, more: pageToken !== "" };
  } while (pageToken !== "" && left > 0);
}
