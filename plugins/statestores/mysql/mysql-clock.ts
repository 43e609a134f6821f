/**
 * The server's clock in UTC, milliseconds since 1970. It is fixed while a statement runs, which lets
 * comparisons use an index. A statement that waits for a lock sees an earlier time than there is: for
 * it a lease ends later, never sooner.
 */
export const NOW =
  "(TIMESTAMPDIFF(MICROSECOND, TIMESTAMP'1970-01-01 00:00:00', UTC_TIMESTAMP(3)) DIV 1000)";
