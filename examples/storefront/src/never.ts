/** What makes a switch over `__typename` complete: a new member of a union no longer compiles. */

export function never(value: never): never {
  throw new Error(`The shop answered something new: ${JSON.stringify(value)}`);
}
