import { inOrg } from "@/shared/api/client";
import { connection } from "@/shared/api/connection";
import { problemFrom, Unreachable } from "@/shared/api/problem";
import type { Upload } from "./context";
import { readUpload } from "./rules/uploads";

/**
 * Sends files for a form of one organization. `XMLHttpRequest`, because `fetch` does not tell how far a body is.
 *
 * @throws {Problem} the server refused it.
 * @throws {Unreachable} nothing answered.
 */
export function uploadTo(orgId: string): Upload {
  return (file, { signal, onProgress }) =>
    new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      const query = new URLSearchParams({ name: file.name });
      request.open("POST", `${window.location.origin}/api/uploads?${query.toString()}`);
      request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
      for (const [name, value] of Object.entries(inOrg(orgId).headers)) {
        request.setRequestHeader(name, value);
      }
      request.upload.onprogress = ({ loaded, total }) => onProgress(total > 0 ? loaded / total : 0);
      request.onload = () => {
        const body = parsed(request.responseText);
        const uploaded = request.status === 201 ? readUpload(body) : undefined;
        if (uploaded) {
          resolve(uploaded);
        } else {
          const { status, statusText } = request;
          reject(problemFrom(new Response(null, { status: status === 201 ? 502 : status, statusText }), body));
        }
      };
      request.onerror = () => {
        connection.lost();
        reject(new Unreachable("The server does not answer."));
      };
      const stop = () => {
        request.abort();
        reject(new DOMException("The upload was aborted.", "AbortError"));
      };
      if (signal.aborted) {
        stop();
        return;
      }
      signal.addEventListener("abort", stop, { once: true });
      request.send(file);
    });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
