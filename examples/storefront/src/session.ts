/** Who is signed in. The access token stays in memory; the refresh token lives as long as the tab. */

import type { Role } from "./gql/graphql";
import { store } from "./store";

export interface Session {
  accessToken: string;
  expiresAt: number;
  user: { id: string; fullName: string; role: Role };
}

export interface SignedIn {
  accessToken: string;
  refreshToken: string;
  expiresIn: number;
  user: Session["user"];
}

const KEY = "shop.refresh-token";
/** Milliseconds before its end at which a token is exchanged: clocks differ, and requests take their time. */
const MARGIN = 30_000;

export const session = store<Session | null>(null);

export const refreshToken = () => sessionStorage.getItem(KEY);

export function enter({ accessToken, refreshToken, expiresIn, user }: SignedIn): void {
  sessionStorage.setItem(KEY, refreshToken);
  session.set({ accessToken, expiresAt: Date.now() + expiresIn * 1000, user });
}

export function leave(): void {
  sessionStorage.removeItem(KEY);
  session.set(null);
}

/** Tell whether there is somebody to sign in, whose access token is missing or about to expire. */
export function isStale(): boolean {
  const current = session.get();
  return refreshToken() !== null && (current === null || Date.now() > current.expiresAt - MARGIN);
}
