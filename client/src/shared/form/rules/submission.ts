import { strings } from "@/strings/formRules";
import {
  type Field,
  type FormSchema,
  type Input,
  isLayout,
  type Scalar,
  takesManyFiles,
  titleOf,
  type UploadedFile,
} from "../schema";
import { type FormState, stateOf } from "./conditions";
import { dayNumber, instant } from "./moments";
import { compilePattern } from "./pattern";
import { isAccepted, isLargerThanMb, readUpload } from "./uploads";
import { hasBlank, isEmpty, isSame, isScalar, order, tidy, trim } from "./values";

/** What is wrong with a field, by its name. */
export interface Fault {
  field: string;
  message: string;
}

/** What to run the workflow with, or why not. */
type Validated = { values: Record<string, unknown> } | { faults: Fault[] };

/**
 * Checks a submission and answers what to run the workflow with: hidden and empty fields are left out, texts are trimmed,
 * an emptied list of chosen values is kept. The server answers the same (`crates/domain/src/form/submission.rs`).
 */
export function validate(form: FormSchema, input: Input, state: FormState = stateOf(form, input)): Validated {
  const values: Record<string, unknown> = {};
  const faults: Fault[] = [];
  const names = new Set<string>();
  form.fields.forEach((field, position) => {
    const name = field.name ?? "";
    if (isLayout(field)) {
      return;
    }
    names.add(name);
    if (!state.visible[position]) {
      return;
    }
    const entered = tidy(field, input[name]);
    const message = faultOf(field, entered, state.required[position] === true);
    if (message !== undefined) {
      faults.push({ field: name, message });
    } else if (!isEmpty(entered) || (holdsList(field) && Array.isArray(entered))) {
      values[name] = entered;
    }
  });
  for (const name of Object.keys(input)) {
    if (!names.has(name)) {
      faults.push({ field: name, message: strings.unknownField(name) });
    }
  }
  return faults.length > 0 ? { faults } : { values };
}

/** What is wrong with one value that has been tidied. */
export function faultOf(field: Field, value: unknown, required: boolean): string | undefined {
  if (isEmpty(value)) {
    return required ? missing(field) : undefined;
  }
  const wrongType = faultOfType(field, value);
  if (wrongType !== undefined) {
    return wrongType;
  }
  if (required && value === false && (field.type === "checkbox" || field.type === "switch")) {
    return missing(field);
  }
  const beyond = faultOfLimits(field, value);
  return beyond === undefined ? undefined : field.validation?.message || beyond;
}

function missing(field: Field): string {
  switch (field.type) {
    case "checkbox":
      return strings.mustBeTicked(titleOf(field));
    case "switch":
      return strings.mustBeOn(titleOf(field));
    default:
      return strings.required(titleOf(field));
  }
}

/** Whether an empty list is a value of it: somebody may have removed all that was chosen by default. */
function holdsList(field: Field): boolean {
  return field.type === "multi_select" || field.type === "json" || takesManyFiles(field);
}

function faultOfType(field: Field, value: unknown): string | undefined {
  switch (field.type) {
    case "text":
    case "textarea":
    case "password":
      return typeof value === "string" ? undefined : strings.text;
    case "email":
      return typeof value === "string" && isEmail(value) ? undefined : strings.email;
    case "number":
      if (typeof value !== "number" || !Number.isFinite(value)) {
        return strings.number;
      }
      return field.validation?.step === 1 && !Number.isSafeInteger(value) ? strings.wholeNumber : undefined;
    case "checkbox":
    case "switch":
      return typeof value === "boolean" ? undefined : strings.onOrOff;
    case "date":
      return dayNumber(value) === undefined ? strings.date : undefined;
    case "datetime":
      return instant(value) === undefined ? strings.datetime : undefined;
    case "select":
    case "radio":
      return faultOfChoices(field, [value]);
    case "multi_select":
      return Array.isArray(value) ? faultOfChoices(field, value) : strings.fromList;
    case "file":
      return filesOf(field, value) ? undefined : strings.fileAgain;
    default:
      return undefined;
  }
}

/** One `@` with something on both sides and a dot in the domain (`crates/domain/src/naming.rs`). */
function isEmail(text: string): boolean {
  const email = trim(text);
  const at = email.indexOf("@");
  const domain = email.slice(at + 1);
  return (
    Array.from(email).length <= 254 &&
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    !/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/.test(email) &&
    !hasBlank(email) &&
    at > 0 &&
    !domain.includes("@") &&
    domain.includes(".") &&
    domain.split(".").every((label) => label !== "")
  );
}

function faultOfChoices(field: Field, chosen: unknown[]): string | undefined {
  const wrong = chosen.find((choice) => !isOffered(field, choice));
  if (wrong === undefined && chosen.every((choice) => isOffered(field, choice))) {
    return undefined;
  }
  return typeof wrong === "string" ? strings.notOffered(wrong) : strings.fromList;
}

function isOffered({ options }: Field, choice: unknown): choice is Scalar {
  if (options?.source !== "static") {
    return isScalar(choice) && choice !== "";
  }
  const isCustom = options.allow_custom === true && typeof choice === "string" && choice !== "";
  return isCustom || options.items.some((item) => isSame(item.value, choice));
}

function faultOfLimits(field: Field, value: unknown): string | undefined {
  switch (field.type) {
    case "text":
    case "textarea":
    case "email":
    case "password":
      return typeof value === "string" ? faultOfText(field, value) : undefined;
    case "number":
    case "date":
    case "datetime":
      return faultOfRange(field, value);
    case "multi_select":
      return Array.isArray(value) ? faultOfCount(field, value.length, strings.minItems, strings.maxItems) : undefined;
    case "file":
      return faultOfFiles(field, filesOf(field, value) ?? []);
    default:
      return undefined;
  }
}

function faultOfText(field: Field, text: string): string | undefined {
  const { min_length, max_length, pattern } = field.validation ?? {};
  const length = Array.from(text).length;
  if (min_length !== undefined && length < min_length) {
    return strings.minLength(min_length);
  }
  if (max_length !== undefined && length > max_length) {
    return strings.maxLength(max_length);
  }
  // A pattern that cannot be read here, of a workflow's parameter, is left to the server.
  const matches = pattern === undefined ? undefined : compilePattern(pattern);
  return matches && !matches(text) ? strings.pattern(titleOf(field)) : undefined;
}

function faultOfRange(field: Field, value: unknown): string | undefined {
  const { min, max } = field.validation ?? {};
  const belowMin = min !== undefined && (order(field.type, value, min) ?? 0) < 0;
  const aboveMax = max !== undefined && (order(field.type, value, max) ?? 0) > 0;
  if (!belowMin && !aboveMax) {
    return undefined;
  }
  if (min !== undefined && max !== undefined) {
    return strings.between(written(min), written(max));
  }
  return min !== undefined ? strings.atLeast(written(min)) : strings.atMost(written(max ?? ""));
}

/** A limit without exponent, as the server writes it. */
export function written(bound: number | string): string {
  const text = String(bound);
  return typeof bound === "number" && text.includes("e")
    ? bound.toLocaleString("en-US", { useGrouping: false, maximumFractionDigits: 20 })
    : text;
}

function filesOf(field: Field, value: unknown): UploadedFile[] | undefined {
  const many = takesManyFiles(field);
  if (many !== Array.isArray(value)) {
    return undefined;
  }
  const read: (UploadedFile | undefined)[] = Array.isArray(value) ? value.map(readUpload) : [readUpload(value)];
  const files = read.filter((file) => file !== undefined);
  return files.length === read.length ? files : undefined;
}

function faultOfFiles(field: Field, files: UploadedFile[]): string | undefined {
  const count = faultOfCount(field, files.length, strings.minFiles, strings.maxFiles);
  return count ?? files.map((file) => faultOfFile(field, file)).find((fault) => fault !== undefined);
}

/** Why a field does not take a file, before or after it is uploaded. */
export function faultOfFile(
  field: Field,
  file: Pick<UploadedFile, "name" | "size_bytes" | "content_type">,
): string | undefined {
  const { accept = [], max_size_mb } = field.validation ?? {};
  if (!isAccepted(file, accept)) {
    return strings.fileType(file.name, accept);
  }
  return max_size_mb !== undefined && isLargerThanMb(file, max_size_mb)
    ? strings.fileSize(file.name, written(max_size_mb))
    : undefined;
}

function faultOfCount(
  field: Field,
  count: number,
  tooFew: (least: number) => string,
  tooMany: (most: number) => string,
): string | undefined {
  const { min_items, max_items } = field.validation ?? {};
  if (min_items !== undefined && count < min_items) {
    return tooFew(min_items);
  }
  return max_items !== undefined && count > max_items ? tooMany(max_items) : undefined;
}
