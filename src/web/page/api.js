// Asks the server. All addresses are relative to the page's.

/** An answer that is none: with the server's code and words. */
export class ApiError extends Error {
  constructor(status, code, message) {
    super(message);
    Object.assign(this, { status, code });
  }
}

const ADVICE = "Run “tvmux web” in a terminal, and open the address that it prints.";
const gone = () => new ApiError(0, "gone", `tvmux web does not answer: it has ended. ${ADVICE}`);

async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { credentials: "same-origin", cache: "no-cache", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw gone();
  }
  if (response.ok) return response;
  if (response.status === 401) throw new ApiError(401, "no_pass", `This browser has no pass. ${ADVICE}`);
  const told = await response.json().catch(() => ({}));
  throw new ApiError(response.status, told.code ?? "failed", told.message ?? `The server answers ${response.status}.`);
}

/** A query string of what is given; empty values are left out. */
export function query(values) {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== null && value !== "" && value !== false);
  return given.length ? `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}` : "";
}

const json = async (path, options) => (await ask(path, options)).json();
const of = (id, part = "") => `api/casts/${encodeURIComponent(id)}${part}`;

export const info = () => json("api/info");
export const casts = async (filter = {}, signal) => (await json(`api/casts${query(filter)}`, { signal })).casts;
export const cast = (id, signal) => json(of(id), { signal });
export const activity = (id, slices, signal) => json(of(id, `/activity?slices=${slices}`), { signal });
export const screenAt = (id, t, signal) => json(of(id, `/at?t=${t}`), { signal });
export const windows = () => json("api/windows");
export const thumb = (id, values = {}) => of(id, `/thumb${query(values)}`);
export const download = (id, format, t) => of(id, `/download${query({ format, t })}`);
export const live = (id) => new EventSource(of(id, "/live?rate=30"));
export const frames = (id, values, signal) => lines(of(id, `/frames${query(values)}`), signal);
export const search = (values, signal) => lines(`api/search${query(values)}`, signal);

function post(path, body = {}) {
  return ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}

const recording = (id, action) => `api/recordings/${encodeURIComponent(id)}/${action}`;
export const record = (target) => post("api/recordings", { target });
export const stop = (id) => post(recording(id, "stop"));
export const pause = (id) => post(recording(id, "pause"));
export const resume = (id) => post(recording(id, "resume"));
export const mark = (id, label) => post(recording(id, "mark"), { label });

/** A line of an answer; what went wrong in its middle is a line, too. */
function objectOf(line) {
  const object = JSON.parse(line);
  if (object.error) throw new ApiError(200, object.error.code, object.error.message);
  return object;
}

/**
 * The objects of an NDJSON answer, as they come. While nobody takes them, nothing
 * is read, and the server makes no more.
 */
async function* lines(path, signal) {
  const response = await ask(path, { signal });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      const parts = (rest + value).split("\n");
      rest = parts.pop();
      for (const part of parts) if (part) yield objectOf(part);
    }
    if (rest) yield objectOf(rest);
  } catch (error) {
    // A broken stream is a TypeError, with the browser's own words.
    throw error instanceof TypeError ? gone() : error;
  } finally {
    reader.cancel().catch(() => {});
  }
}
