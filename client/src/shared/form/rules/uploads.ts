import type { UploadedFile } from "../schema";

/** Bytes in the MB of `max_size_mb`. */
const BYTES_PER_MB = 1_048_576;

/** The upload a value stands for. */
export function readUpload(value: unknown): UploadedFile | undefined {
  if (!isRecord(value)) {
    return undefined;
  }
  const { id, name, size_bytes, content_type } = value;
  if (typeof id !== "string" || typeof name !== "string" || typeof content_type !== "string" || !id || !name) {
    return undefined;
  }
  if (typeof size_bytes !== "number" || !Number.isSafeInteger(size_bytes) || size_bytes < 0) {
    return undefined;
  }
  return { id, name, size_bytes, content_type };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

type FileFacts = Pick<UploadedFile, "name" | "size_bytes" | "content_type">;

/** Whether one of the accepted endings, types or families of types is this file's. Letter case does not matter. */
export function isAccepted(file: FileFacts, accept: string[]): boolean {
  const name = lowerCase(file.name);
  const mediaType = (lowerCase(file.content_type).split(";")[0] ?? "").trim();
  return (
    accept.length === 0 ||
    accept.map(lowerCase).some((entry) => {
      if (entry.startsWith(".")) {
        return name.length > entry.length && name.endsWith(entry);
      }
      return entry.endsWith("*") ? mediaType.startsWith(entry.slice(0, -1)) : mediaType === entry;
    })
  );
}

export function isLargerThanMb(file: FileFacts, mb: number): boolean {
  return file.size_bytes > mb * BYTES_PER_MB;
}

/** Of ASCII letters only, as the server does it. */
function lowerCase(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
