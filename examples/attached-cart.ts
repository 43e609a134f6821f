// A shopping cart, attached from outside: state, tags, errors with a code of their own and a call to
// another actor.
//
//   node launcher.mjs bun examples/attached-cart.ts
//   curl --json '{"sku":"tea","quantity":2,"cents":450}' localhost:7700/v1/cart/alice/add
//   curl --json '{}' localhost:7700/v1/cart/alice/checkout
import process from "node:process";
import type { Actor } from "troupe/actor";
import { serveHost } from "troupe/host";

interface Line {
  quantity: number;
  readonly cents: number;
}

interface Cart {
  lines: Record<string, Line>;
  paid: boolean;
}

interface Item {
  readonly sku: string;
  readonly quantity: number;
  readonly cents: number;
}

function totalOf(cart: Cart): number {
  return Object.values(cart.lines).reduce((sum, { quantity, cents }) => sum + quantity * cents, 0);
}

const cart = {
  type: "cart",
  initial: { lines: {}, paid: false },
  readOnly: ["total"],
  actions: {
    add(ctx, { sku, quantity, cents }: Item) {
      if (ctx.state.paid) ctx.fail("failed_precondition", "the cart is paid");
      if (!(quantity > 0)) ctx.fail("invalid_argument", "the quantity is not positive");
      const line = ctx.state.lines[sku] ?? { quantity: 0, cents };
      line.quantity += quantity;
      ctx.state.lines[sku] = line;
      ctx.tags["status"] = "open";
      return totalOf(ctx.state);
    },

    remove(ctx, sku: string) {
      if (!(sku in ctx.state.lines)) ctx.fail("not_found", "the cart does not hold it");
      delete ctx.state.lines[sku];
      return totalOf(ctx.state);
    },

    total: (ctx) => totalOf(ctx.state),

    async checkout(ctx) {
      const total = totalOf(ctx.state);
      if (total === 0) ctx.fail("failed_precondition", "the cart is empty");
      const receipt = await ctx.call("till/main", "charge", { cart: ctx.key, cents: total });
      ctx.state.paid = true;
      ctx.tags["status"] = "paid";
      return receipt;
    },

    clear(ctx) {
      if (ctx.state.paid) ctx.fail("failed_precondition", "the cart is paid");
      ctx.delete();
    },
  },
} satisfies Actor<Cart>;

const till = {
  type: "till",
  initial: { takings: 0, receipts: 0 },
  actions: {
    charge(ctx, { cart, cents }: { cart: string; cents: number }) {
      ctx.state.takings += cents;
      ctx.state.receipts += 1;
      return { receipt: ctx.state.receipts, cart, cents };
    },
  },
} satisfies Actor<{ takings: number; receipts: number }>;

const host = await serveHost({
  url: process.env["TROUPE_URL"] ?? "http://127.0.0.1:7700",
  token: process.env["TROUPE_TOKEN"] ?? "",
  actors: [cart, till],
  name: "attached-cart",
});
process.stdout.write("cart and till are attached\n");

const stop = (): void => void host.close().then(() => process.exit(0));
process.once("SIGINT", stop);
process.once("SIGTERM", stop);
