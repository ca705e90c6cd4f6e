const KEY = "msp.return-to";

/** Remembers where the person was when the session ended, for after they have signed in again in this tab. */
export function rememberPlace(place: string): void {
  sessionStorage.setItem(KEY, place);
}

/** Where to go after signing in; the start page if nothing is remembered. */
export function placeToReturnTo(): string {
  const place = sessionStorage.getItem(KEY);
  return place !== null && isOurs(place) ? place : "/";
}

/** The same, once. */
export function takePlace(): string {
  const place = placeToReturnTo();
  sessionStorage.removeItem(KEY);
  return place;
}

/** Only pages of this client: `//elsewhere` would be another host. */
function isOurs(place: string): boolean {
  return place.startsWith("/") && !place.startsWith("//") && !place.startsWith("/sign");
}
