import type { Actor } from "troupe/actor";

interface Item {
  readonly sku: string;
  readonly quantity: number;
  readonly priceCents: number;
}

interface Cart {
  items: Item[];
  status: "open" | "ordered";
}

const LINES = 100;

/** A shopping cart per customer. Its tags let you find the carts that are not ordered yet. */
export default {
  type: "cart",
  initial: (): Cart => ({ items: [], status: "open" }),
  readOnly: ["total"],
  history: { kind: "last", count: 20 },
  actions: {
    put(ctx, item: Partial<Item> | undefined) {
      const { sku, quantity = 1, priceCents } = item ?? {};
      if (ctx.state.status !== "open") ctx.fail("cart_ordered", "the cart is ordered already");
      if (typeof sku !== "string" || !isCount(quantity, 1) || !isCount(priceCents, 0)) {
        return ctx.fail("invalid_argument", "put takes { sku, quantity, priceCents }");
      }
      const others = ctx.state.items.filter((other) => other.sku !== sku);
      if (others.length >= LINES) ctx.fail("cart_full", `a cart holds ${LINES} lines`);
      ctx.state.items = [...others, { sku, quantity, priceCents }];
      ctx.tags = { ...ctx.tags, status: "open", lines: String(ctx.state.items.length) };
      return ctx.state.items.length;
    },

    remove(ctx, sku: string) {
      if (ctx.state.status !== "open") ctx.fail("cart_ordered", "the cart is ordered already");
      const left = ctx.state.items.filter((item) => item.sku !== sku);
      if (left.length === ctx.state.items.length)
        ctx.fail("not_in_cart", "the cart has no such item");
      ctx.state.items = left;
      ctx.tags["lines"] = String(left.length);
      return left.length;
    },

    total: (ctx) => totalCents(ctx.state),

    order(ctx) {
      if (ctx.state.items.length === 0) ctx.fail("cart_empty", "there is nothing to order");
      if (ctx.state.status !== "open") ctx.fail("cart_ordered", "the cart is ordered already");
      ctx.state.status = "ordered";
      ctx.tags["status"] = "ordered";
      return { orderedCents: totalCents(ctx.state) };
    },
  },
} satisfies Actor<Cart>;

function totalCents({ items }: Cart): number {
  return items.reduce((sum, { quantity, priceCents }) => sum + quantity * priceCents, 0);
}

function isCount(value: unknown, least: number): value is number {
  return Number.isSafeInteger(value) && Number(value) >= least;
}
