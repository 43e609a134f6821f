/** A file that is not what an export wrote, with the place where that shows. */
export class StoreFileError extends Error {
  override readonly name = "StoreFileError";
  /** Number of the record, the header being 0. */
  readonly record: number;
  /** Bytes before that record. */
  readonly offset: number;

  constructor(what: string, record: number, offset: number) {
    super(`record ${record} at byte ${offset} ${what}`);
    this.record = record;
    this.offset = offset;
  }
}
