/** Revenue as bars, and as a table for those who cannot see them. */

import type { Interval, StaffQuery } from "../gql/graphql";
import { price } from "../money";

type Sales = StaffQuery["reports"]["sales"];

const HEIGHT = 240;
const LEFT = 52;
const BOTTOM = 26;

const axis = new Intl.NumberFormat("en", { style: "currency", currency: "EUR", notation: "compact", maximumFractionDigits: 1 });

const formats: Record<Interval, Intl.DateTimeFormatOptions> = {
  HOUR: { hour: "2-digit" },
  DAY: { day: "numeric", month: "short" },
  WEEK: { day: "numeric", month: "short" },
  MONTH: { month: "short", year: "2-digit" },
};

export function Chart({ sales, interval }: { sales: Sales; interval: Interval }) {
  const isNarrow = matchMedia("(max-width: 50rem)").matches;
  const width = isNarrow ? 360 : 720;
  const format = new Intl.DateTimeFormat("en", formats[interval]);
  const name = ({ from }: Sales[number]) => format.format(new Date(from));
  const top = scale(Math.max(1, ...sales.map(({ revenue }) => Number(revenue))));
  const step = (width - LEFT) / Math.max(1, sales.length);
  const y = (value: number) => (HEIGHT - BOTTOM) * (1 - value / top) + 6;
  const every = Math.ceil(sales.length / (isNarrow ? 5 : 12));
  return (
    <figure>
      <svg className="chart" viewBox={`0 0 ${width} ${HEIGHT}`} role="img" aria-label="Bars of the revenue; the table below has the numbers">
        {[0, 0.25, 0.5, 0.75, 1].map((part) => (
          <g key={part}>
            <line x1={LEFT} x2={width} y1={y(top * part)} y2={y(top * part)} />
            <text x={LEFT - 8} y={y(top * part) + 4} textAnchor="end">{axis.format(top * part)}</text>
          </g>
        ))}
        {sales.map((sale, index) => (
          <g key={sale.from}>
            <rect x={LEFT + index * step + step * 0.14} width={step * 0.72} y={y(Number(sale.revenue))} height={y(0) - y(Number(sale.revenue))} rx="3">
              <title>{`${name(sale)}: ${price(sale.revenue)}, ${sale.orderCount} orders`}</title>
            </rect>
            {index % every === 0 && <text x={LEFT + (index + 0.5) * step} y={HEIGHT - 4} textAnchor="middle">{name(sale)}</text>}
          </g>
        ))}
      </svg>
      <details>
        <summary>The numbers</summary>
        <table>
          <thead><tr><th scope="col">From</th><th scope="col">Orders</th><th scope="col">Pieces</th><th scope="col">Revenue</th></tr></thead>
          <tbody>
            {sales.map((sale) => (
              <tr key={sale.from}><td>{name(sale)}</td><td>{sale.orderCount}</td><td>{sale.unitsSold}</td><td>{price(sale.revenue)}</td></tr>
            ))}
          </tbody>
        </table>
      </details>
    </figure>
  );
}

/** Return a round number at or above `value`, to end an axis with. */
function scale(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10].map((factor) => factor * power).find((round) => round >= value) ?? value;
}
