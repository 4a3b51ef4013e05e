/** Pages by their addresses, without a page being loaded anew. */

import { useEffect, useRef, type AnchorHTMLAttributes, type ReactNode } from "react";

import { store, useStore } from "./store";

const BASE = "/shop";
const here = () => ({ path: location.pathname.slice(BASE.length) || "/", search: location.search });
const place = store(here());

addEventListener("popstate", () => place.set(here()));

export function usePlace(): { path: string; parameters: URLSearchParams } {
  const { path, search } = useStore(place);
  return { path, parameters: new URLSearchParams(search) };
}

export function go(to: string, { replace = false } = {}): void {
  history[replace ? "replaceState" : "pushState"](null, "", BASE + to);
  const before = place.get().path;
  place.set(here());
  if (place.get().path !== before) scrollTo(0, 0);
}

export function Link({ to, ...rest }: { to: string } & AnchorHTMLAttributes<HTMLAnchorElement>) {
  return (
    <a
      {...rest}
      href={BASE + to}
      onClick={(event) => {
        rest.onClick?.(event);
        // Whoever wants another tab or a download gets it from the browser.
        if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
        event.preventDefault();
        go(to);
      }}
    />
  );
}

let isFirst = true;

/** The heading of a page. It takes the focus, so that a screen reader tells where a link has led. */
export function Title({ children, text, hidden }: { children?: ReactNode; text: string; hidden?: boolean }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${text} · Lantern & Loom`;
    if (!isFirst) heading.current?.focus({ preventScroll: true });
    isFirst = false;
  }, [text]);
  return (
    <h1 ref={heading} tabIndex={-1} className={hidden ? "unseen" : undefined}>
      {children ?? text}
    </h1>
  );
}
