/** What a page says about its line to the server. */
export type Connection = "connecting" | "live" | "reconnecting" | "polling" | "over";

/** How long contact may be lost before anybody is told: a blip is no news. */
const UNNOTICED_MS = 3_000;

/** Tells whether there is contact, and only speaks of a loss that lasts. */
export class Contact {
  readonly #say: (connection: Connection) => void;
  #said: Connection = "connecting";
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(say: (connection: Connection) => void) {
    this.#say = say;
  }

  /** Something arrived. */
  made(how: "live" | "polling"): void {
    this.#settle();
    this.#tell(how);
  }

  /** Nothing arrives any more. */
  lost(): void {
    this.#timer ??= setTimeout(() => this.#tell("reconnecting"), UNNOTICED_MS);
  }

  /** There is nothing to wait for any more. */
  over(): void {
    this.#settle();
    this.#tell("over");
  }

  /** Nobody listens any more. */
  dispose(): void {
    this.#settle();
  }

  #settle(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #tell(connection: Connection): void {
    if (this.#said === connection) {
      return;
    }
    this.#said = connection;
    this.#say(connection);
  }
}
