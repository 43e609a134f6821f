// The only host types that the pure layers may name. `AbortSignal` is an ordinary object to them:
// it is read and listened to, never made.
interface AbortSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}
