/** A picture for products that have none: always the same for one product, in the colours of its category. */

export function Art({ id, category }: { id: string; category: string }) {
  const random = numbers(id);
  const hue = hash(category) % 360;
  const shapes = Array.from({ length: 4 }, (_, index) => {
    const x = 20 + random() * 160;
    const y = 20 + random() * 110;
    const size = 18 + random() * 46;
    const fill = `hsl(${(hue + random() * 70 - 20) % 360} ${45 + random() * 30}% ${45 + random() * 30}%)`;
    return random() < 0.5 ? (
      <circle key={index} cx={x} cy={y} r={size} fill={fill} opacity="0.85" />
    ) : (
      <rect key={index} x={x - size} y={y - size} width={2 * size} height={2 * size} rx="10" fill={fill} opacity="0.85" transform={`rotate(${random() * 90} ${x} ${y})`} />
    );
  });
  return (
    <svg className="art" viewBox="0 0 200 150" preserveAspectRatio="xMidYMid slice" aria-hidden="true">
      <rect width="200" height="150" fill={`hsl(${hue} 45% 86%)`} />
      {shapes}
    </svg>
  );
}

function hash(text: string): number {
  let value = 2166136261;
  for (const character of text) value = Math.imul(value ^ character.charCodeAt(0), 16777619) >>> 0;
  return value;
}

function numbers(seed: string): () => number {
  let state = hash(seed);
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
