/** What narrows the catalogue down, with the number of products that each choice would leave. */

import type { FormEvent } from "react";

import type { CatalogueQuery } from "../gql/graphql";
import { roughly } from "../money";

interface Props {
  facets: CatalogueQuery["products"]["facets"];
  parameters: URLSearchParams;
  change: (changes: Record<string, string[]>) => void;
}

/** `chosen` are the categories that are filtered by, which need not be among those with most products. */
export function Filters({ facets, chosen, parameters, change }: Props & { chosen: CatalogueQuery["chosen"] }) {
  const categories = parameters.getAll("category");
  const listed = facets?.categories.map(({ category }) => category.id) ?? [];
  const further = chosen?.nodes.filter(({ id }) => !listed.includes(id)).map((category) => ({ category, count: null })) ?? [];
  const shelves = [...further, ...(facets?.categories ?? [])];
  const isNarrow = matchMedia("(max-width: 50rem)").matches;

  function toggle(id: string) {
    change({ category: categories.includes(id) ? categories.filter((other) => other !== id) : [...categories, id] });
  }

  return (
    <details className="filters" open={!isNarrow}>
      <summary>Filters</summary>
      <fieldset hidden={shelves.length === 0}>
        <legend>Shelf</legend>
        {shelves.map(({ category, count }) => (
          <label key={category.id} className="choice">
            <input type="checkbox" checked={categories.includes(category.id)} onChange={() => toggle(category.id)} />
            <span>{category.name}</span> <span className="quiet">{count}</span>
          </label>
        ))}
      </fieldset>
      <fieldset>
        <legend>Price</legend>
        <Buckets facets={facets} parameters={parameters} change={change} />
        <PriceForm key={`${parameters.get("min")}–${parameters.get("max")}`} parameters={parameters} change={change} />
      </fieldset>
      <label className="choice">
        <input type="checkbox" checked={parameters.has("stock")} onChange={(event) => change({ stock: event.target.checked ? ["1"] : [] })} />
        <span>In stock only</span>
      </label>
      {["category", "min", "max", "stock"].some((name) => parameters.has(name)) && (
        <button className="plain" onClick={() => change({ category: [], min: [], max: [], stock: [] })}>Take all filters away</button>
      )}
    </details>
  );
}

function Buckets({ facets, parameters, change }: Props) {
  const greatest = Math.max(1, ...(facets?.prices.map(({ count }) => count) ?? []));
  return facets?.prices.map(({ from, to, count }) => {
    // A bucket ends below its bound, and the form below says "up to".
    const max = to ? below(to) : "";
    const chosen = (parameters.get("min") ?? "") === (from ?? "") && (parameters.get("max") ?? "") === max;
    return (
      <button
        key={from ?? ""}
        type="button"
        className="bucket"
        aria-pressed={chosen}
        disabled={count === 0}
        onClick={() => change(chosen ? { min: [], max: [] } : { min: [from ?? ""], max: [max] })}
      >
        <span>{from ? (to ? `${roughly(from)} to ${roughly(to)}` : `${roughly(from)} and more`) : `Below ${roughly(to ?? "0")}`}</span>
        <span className="quiet">{count}</span>
        <span className="share" aria-hidden="true" style={{ width: `${(100 * count) / greatest}%` }} />
      </button>
    );
  });
}

const below = (amount: string) => (Number(amount) - 0.01).toFixed(2);

function PriceForm({ parameters, change }: Omit<Props, "facets">) {
  function apply(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    change({ min: [String(form.get("min"))], max: [String(form.get("max"))] });
  }
  return (
    <form className="row" onSubmit={apply}>
      <label>From <input name="min" inputMode="decimal" pattern="\d{1,8}(\.\d{1,2})?" title="For example 9.50" defaultValue={parameters.get("min") ?? ""} /></label>
      <label>up to <input name="max" inputMode="decimal" pattern="\d{1,8}(\.\d{1,2})?" title="For example 19.99" defaultValue={parameters.get("max") ?? ""} /></label>
      <button>Apply</button>
    </form>
  );
}
