import { describe, expect, it } from "vitest";
import { flatTable } from "./flatTable";
import { copyText, isMasked, type Json } from "./json";
import { pathText } from "./jsonPath";
import { parentIndex, rowKey, treeRows } from "./treeRows";

const shown = (root: Json, toggled: [string, boolean][] = []) =>
  treeRows(root, new Map(toggled)).map(({ path }) => pathText(path));

describe("the rows of a tree", () => {
  it("open a small value two levels deep", () => {
    expect(shown({ user: { id: 1, groups: ["a"] }, ok: true })).toEqual([
      "$",
      "$.user",
      "$.user.id",
      "$.user.groups",
      "$.ok",
    ]);
  });

  it("follow what somebody opens and closes", () => {
    const value = { user: { groups: ["a", "b"] } };
    expect(shown(value, [[rowKey(["user", "groups"]), true]])).toEqual([
      "$",
      "$.user",
      "$.user.groups",
      "$.user.groups[0]",
      "$.user.groups[1]",
    ]);
    expect(shown(value, [[rowKey([]), false]])).toEqual(["$"]);
  });

  it("leave the many parts of a large value closed", () => {
    expect(shown(Array.from({ length: 31 }, () => ({ id: 1 })))).toHaveLength(1 + 31);
    expect(shown(Array.from({ length: 30 }, () => ({ id: 1 })))).toHaveLength(1 + 30 + 30);
  });

  it("never look into what is closed", () => {
    const trap = new Proxy(
      { a: 1 },
      {
        get: () => {
          throw new Error("looked into");
        },
      },
    );
    const value: Json = { many: Array.from({ length: 50 }, () => trap) };
    expect(shown(value)).toEqual(["$", "$.many"]);
  });

  it("say whether they have parts; an empty value has none", () => {
    const rows = treeRows({ none: [], some: [1], text: "x" }, new Map());
    expect(rows.map(({ isOpen }) => isOpen)).toEqual([true, undefined, true, undefined, undefined]);
  });

  it("know their parents", () => {
    const rows = treeRows({ a: { b: 1, c: 2 }, d: 3 }, new Map());
    expect(rows.map((_, index) => parentIndex(rows, index))).toEqual([0, 0, 1, 1, 0]);
  });
});

it("writes paths as code does", () => {
  expect(pathText(["users", 3, "display_name"])).toBe("$.users[3].display_name");
  expect(pathText(["odd name", 'with "quotes"'])).toBe('$["odd name"]["with \\"quotes\\""]');
});

it("copies texts as they are, and anything else as JSON", () => {
  expect(copyText("a\nb")).toBe("a\nb");
  expect(copyText({ a: 1 })).toBe('{\n  "a": 1\n}');
});

it("knows what the server masked", () => {
  expect(isMasked("********")).toBe(true);
  expect(isMasked("Bearer ********, kept")).toBe(true);
  expect(isMasked("*** note ***")).toBe(false);
});

describe("a table", () => {
  it("has the columns of all rows, in the order in which they appear", () => {
    expect(
      flatTable([
        { a: 1, b: 2 },
        { b: 3, c: null },
      ])?.columns,
    ).toEqual(["a", "b", "c"]);
  });

  it("is not made of anything but an array of flat objects", () => {
    const others: Json[] = [
      [],
      [1, 2],
      [{ a: [1] }],
      [{ a: { b: 1 } }],
      [[1]],
      {},
      "text",
      null,
      [{}],
      [{ a: 1 }, null],
    ];
    expect(others.map((value) => flatTable(value))).toEqual(others.map(() => null));
  });
});
