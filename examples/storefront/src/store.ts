/** Values that several parts of the page watch, some of them kept by the browser. */

import { useSyncExternalStore } from "react";

export interface Store<T> {
  get(): T;
  set(value: T): void;
  subscribe(listener: () => void): () => void;
}

export function store<T>(initial: T, keep: (value: T) => void = () => undefined): Store<T> {
  let current = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => current,
    set(value) {
      current = value;
      keep(value);
      for (const listener of listeners) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** Return a store that outlives the page; other tabs see its changes. */
export function stored<T>(key: string, empty: T): Store<T> {
  const read = (text: string | null): T => {
    try {
      return text === null ? empty : (JSON.parse(text) as T);
    } catch {
      return empty;
    }
  };
  const kept = store(read(localStorage.getItem(key)), (value) => localStorage.setItem(key, JSON.stringify(value)));
  addEventListener("storage", (event) => {
    if (event.key === key) kept.set(read(event.newValue));
  });
  return kept;
}

export function useStore<T>(store: Store<T>): T {
  return useSyncExternalStore(store.subscribe, store.get);
}
