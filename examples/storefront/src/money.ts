/** Exact amounts: the shop sends them as text, and they are reckoned in cents, never in fractions. */

export function cents(amount: string): number {
  const [whole = "0", fraction = ""] = amount.split(".");
  return Number(whole) * 100 + Number(fraction.padEnd(2, "0").slice(0, 2));
}

export function amount(cents: number): string {
  return `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, "0")}`;
}

const format = new Intl.NumberFormat("en", { style: "currency", currency: "EUR" });

export function price(amount: string): string {
  return format.format(Number(amount));
}

const short = new Intl.NumberFormat("en", { style: "currency", currency: "EUR", trailingZeroDisplay: "stripIfInteger" });

/** Return an amount as it stands in choices and on axes: €25, €9.50. */
export function roughly(amount: string): string {
  return short.format(Number(amount));
}
