/**
 * The regular expressions of forms, matched in linear time.
 *
 * The grammar is the one of `crates/domain/src/form/pattern.rs`, step by step: what passes means the same to the server.
 * JavaScript's own engine reads `\s`, `.` and `$` differently, and can take forever; so it is not asked.
 */

/** Whether some part of the text matches. */
type Matcher = (text: string) => boolean;

const MAX_CHARS = 500;
const MAX_STEPS = 2000;
const MAX_DEPTH = 20;
const MAX_COUNT = 1000;

type CharTest = (code: number) => boolean;
type Position = "start" | "end" | "boundary" | "inside";

/** A state waits for a character (`test`), demands a position, or only leads on. State 0 is the match. */
interface State {
  test?: CharTest;
  position?: Position;
  next: number[];
}

/** A part of a pattern: how many steps it takes, and how it is laid down in front of the state that follows it. */
interface Part {
  steps: number;
  build: (states: State[], next: number) => number;
}

class Refused extends Error {}

const compiled = new Map<string, Matcher | undefined>();

/** Compiles a pattern, once; `undefined` for one outside the grammar. */
export function compilePattern(pattern: string): Matcher | undefined {
  if (!compiled.has(pattern)) {
    compiled.set(pattern, compile(pattern));
  }
  return compiled.get(pattern);
}

function compile(pattern: string): Matcher | undefined {
  const text = Array.from(pattern);
  if (text.length > MAX_CHARS) {
    return undefined;
  }
  try {
    const parser = new Parser(text);
    const part = parser.alternatives(0);
    if (!parser.isDone() || part.steps > MAX_STEPS) {
      return undefined;
    }
    const states: State[] = [{ next: [] }];
    const start = part.build(states, 0);
    return (subject) => matches(states, start, subject);
  } catch (error) {
    if (error instanceof Refused) {
      return undefined;
    }
    throw error;
  }
}

/** Follows all ways at once, so that every character of the text is looked at once per state. */
function matches(states: State[], start: number, subject: string): boolean {
  const codes = Array.from(subject, (char) => char.codePointAt(0) ?? 0);
  let waiting: number[] = [];
  for (let at = 0; at <= codes.length; at++) {
    const reached = reach(states, [...waiting, start], codes, at);
    if (reached.has(0)) {
      return true;
    }
    const code = codes[at];
    waiting = [];
    for (const index of reached) {
      const state = states[index];
      if (code !== undefined && state?.test?.(code)) {
        waiting.push(...state.next);
      }
    }
  }
  return false;
}

function reach(states: State[], from: number[], codes: number[], at: number): Set<number> {
  const reached = new Set<number>();
  const stack = from;
  for (let index = stack.pop(); index !== undefined; index = stack.pop()) {
    const state = states[index];
    if (!state || reached.has(index)) {
      continue;
    }
    reached.add(index);
    if (!state.test && (!state.position || isAt(state.position, codes, at))) {
      stack.push(...state.next);
    }
  }
  return reached;
}

function isAt(position: Position, codes: number[], at: number): boolean {
  const before = codes[at - 1];
  const after = codes[at];
  const boundary = (before !== undefined && isWord(before)) !== (after !== undefined && isWord(after));
  switch (position) {
    case "start":
      return at === 0;
    case "end":
      return at === codes.length;
    case "boundary":
      return boundary;
    case "inside":
      return !boundary;
  }
}

function between(low: string, high: string): CharTest {
  const from = low.codePointAt(0) ?? 0;
  const to = high.codePointAt(0) ?? 0;
  return (code) => code >= from && code <= to;
}

function any(tests: CharTest[]): CharTest {
  return (code) => tests.some((test) => test(code));
}

function not(test: CharTest): CharTest {
  return (code) => !test(code);
}

const isDigit = between("0", "9");
const isWord = any([isDigit, between("A", "Z"), between("a", "z"), between("_", "_")]);
const isSpace = any([between("\t", "\r"), between(" ", " ")]);
const isNewline = between("\n", "\n");

const classes: Record<string, CharTest> = {
  d: isDigit,
  D: not(isDigit),
  w: isWord,
  W: not(isWord),
  s: isSpace,
  S: not(isSpace),
};
const controls: Record<string, string> = { t: "\t", n: "\n", r: "\r", f: "\f", v: "\v" };

/** What an escape stands for. */
type Escape = { char: string } | { test: CharTest } | { position: Position };

function charPart(test: CharTest, steps = 1): Part {
  return { steps, build: (states, next) => states.push({ test, next: [next] }) - 1 };
}

function positionPart(position: Position): Part {
  return { steps: 1, build: (states, next) => states.push({ position, next: [next] }) - 1 };
}

function sequence(parts: Part[]): Part["build"] {
  return (states, next) => parts.reduceRight((following, part) => part.build(states, following), next);
}

function repeated(part: Part, least: number, most: number | undefined): Part["build"] {
  return (states, next) => {
    let following = next;
    if (most === undefined) {
      const loop: State = { next: [] };
      const index = states.push(loop) - 1;
      loop.next = [part.build(states, index), next];
      following = index;
    } else {
      for (let time = least; time < most; time++) {
        following = states.push({ next: [part.build(states, following), next] }) - 1;
      }
    }
    for (let time = 0; time < least; time++) {
      following = part.build(states, following);
    }
    return following;
  };
}

class Parser {
  private readonly text: string[];
  private at = 0;

  constructor(text: string[]) {
    this.text = text;
  }

  isDone(): boolean {
    return this.at >= this.text.length;
  }

  alternatives(depth: number): Part {
    if (depth > MAX_DEPTH) {
      throw new Refused();
    }
    let steps = 1;
    const ways: Part[][] = [[]];
    for (;;) {
      const next = this.peek();
      if (next === undefined || next === ")") {
        const builds = ways.map(sequence);
        return {
          steps,
          build: (states, following) => states.push({ next: builds.map((build) => build(states, following)) }) - 1,
        };
      }
      if (next === "|") {
        this.at++;
        steps++;
        ways.push([]);
        continue;
      }
      const part = this.piece(depth);
      steps += part.steps;
      ways.at(-1)?.push(part);
    }
  }

  private peek(): string | undefined {
    return this.text[this.at];
  }

  private next(): string {
    const next = this.text[this.at++];
    if (next === undefined) {
      throw new Refused();
    }
    return next;
  }

  private take(expected: string): boolean {
    const found = this.peek() === expected;
    this.at += found ? 1 : 0;
    return found;
  }

  private piece(depth: number): Part {
    const char = this.next();
    switch (char) {
      case "^":
        return this.position("start");
      case "$":
        return this.position("end");
      case "\\": {
        const escaped = this.escape();
        if ("position" in escaped) {
          return this.position(escaped.position);
        }
        return this.quantified(charPart("test" in escaped ? escaped.test : between(escaped.char, escaped.char)));
      }
      case "(":
        return this.quantified(this.group(depth));
      case "[":
        return this.quantified(this.class());
      case ".":
        return this.quantified(charPart(not(isNewline)));
      case "*":
      case "+":
      case "?":
      case "{":
      case "}":
      case "]":
        throw new Refused();
      default:
        return this.quantified(charPart(between(char, char)));
    }
  }

  private isQuantifier(): boolean {
    return ["*", "+", "?", "{"].includes(this.peek() ?? "");
  }

  private position(position: Position): Part {
    if (this.isQuantifier()) {
      throw new Refused();
    }
    return positionPart(position);
  }

  private quantified(part: Part): Part {
    let counts: [least: number, most: number | undefined];
    if (this.take("*")) {
      counts = [0, undefined];
    } else if (this.take("+")) {
      counts = [1, undefined];
    } else if (this.take("?")) {
      counts = [0, 1];
    } else if (this.take("{")) {
      counts = this.counts();
    } else {
      return part;
    }
    const [least, most] = counts;
    // Whether it takes as many or as few as possible makes no difference to whether it matches.
    this.take("?");
    if (this.isQuantifier()) {
      throw new Refused();
    }
    const times = Math.max(most ?? least, 1);
    return { steps: part.steps * times + 1, build: repeated(part, least, most) };
  }

  private counts(): [number, number | undefined] {
    const least = this.count();
    let most: number | undefined = least;
    if (this.take(",")) {
      most = this.peek() === "}" ? undefined : this.count();
    }
    if (!this.take("}") || (most !== undefined && most < least)) {
      throw new Refused();
    }
    return [least, most];
  }

  private count(): number {
    let digits = "";
    while (digits.length < 4 && /^[0-9]$/.test(this.peek() ?? "")) {
      digits += this.next();
    }
    if (digits === "" || Number(digits) > MAX_COUNT) {
      throw new Refused();
    }
    return Number(digits);
  }

  private group(depth: number): Part {
    if (this.take("?") && !this.take(":")) {
      throw new Refused();
    }
    const part = this.alternatives(depth + 1);
    if (!this.take(")")) {
      throw new Refused();
    }
    return part;
  }

  private escape(): Escape {
    const char = this.next();
    const test = classes[char];
    const control = controls[char];
    if (test) {
      return { test };
    }
    if (control !== undefined) {
      return { char: control };
    }
    if (char === "b" || char === "B") {
      return { position: char === "b" ? "boundary" : "inside" };
    }
    if (char === "x" || char === "u") {
      return { char: this.codePoint(char) };
    }
    // `\<` and `\>` are word boundaries elsewhere.
    if (/^[!-/:;=?@[-`{-~]$/.test(char)) {
      return { char };
    }
    throw new Refused();
  }

  private codePoint(kind: "x" | "u"): string {
    let digits = "";
    if (kind === "u" && this.take("{")) {
      while (!this.take("}")) {
        digits += this.next();
      }
    } else {
      for (let i = 0; i < (kind === "x" ? 2 : 4); i++) {
        digits += this.next();
      }
    }
    const code = Number.parseInt(digits, 16);
    if (!/^[0-9A-Fa-f]{1,6}$/.test(digits) || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
      throw new Refused();
    }
    return String.fromCodePoint(code);
  }

  private class(): Part {
    const negated = this.take("^");
    const tests: CharTest[] = [];
    for (;;) {
      const first = tests.length === 0;
      if (this.peek() === "]") {
        if (first) {
          throw new Refused();
        }
        this.at++;
        const test = any(tests);
        return charPart(negated ? not(test) : test, tests.length);
      }
      const low = this.classItem(first);
      if (this.peek() !== "-" || this.text[this.at + 1] === "]") {
        tests.push(typeof low === "string" ? between(low, low) : low);
        continue;
      }
      this.at++;
      const unescaped = this.peek() !== "-";
      const high = this.classItem(false);
      if (typeof low !== "string" || typeof high !== "string" || !unescaped || !isInOrder(low, high)) {
        throw new Refused();
      }
      tests.push(between(low, high));
    }
  }

  /** One character of a class, or the test of an escape that stands for several. */
  private classItem(first: boolean): string | CharTest {
    const char = this.next();
    if (char === "\\") {
      const escaped = this.escape();
      if ("position" in escaped) {
        throw new Refused();
      }
      return "test" in escaped ? escaped.test : escaped.char;
    }
    const misplacedDash = char === "-" && !first && this.peek() !== "]";
    const doubled = ["&", "~", "-"].includes(char) && this.peek() === char;
    if (char === "[" || char === "]" || misplacedDash || doubled) {
      throw new Refused();
    }
    return char;
  }
}

function isInOrder(low: string, high: string): boolean {
  return (low.codePointAt(0) ?? 0) <= (high.codePointAt(0) ?? 0);
}
