// A moment as people write it.

/**
 * Seconds from the start of a cast, or null: `90`, `1:23:45`, `1h2m`, `50%`, `-10s`
 * before the end, a wall clock time (`14:05`) where the cast covers it, the label of
 * a marker.
 */
export function parsePosition(text, { duration, started, markers }) {
  const given = text.trim();
  if (given === "") return null;
  const marker = markers.find(({ label }) => label === given);
  if (marker) return marker.time;
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(given);
  if (percent) return (Math.min(100, Number(percent[1])) / 100) * duration;
  if (given.startsWith("-")) {
    const back = parseLength(given.slice(1));
    return back === null ? null : Math.max(0, duration - back);
  }
  return wallClock(given, started, duration) ?? parseLength(given);
}

function parseLength(text) {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  const parts = /^(?:(\d+):)?(\d+):(\d+(?:\.\d+)?)$/.exec(text);
  if (parts) return Number(parts[1] ?? 0) * 3600 + Number(parts[2]) * 60 + Number(parts[3]);
  const units = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?$/.exec(text);
  if (!units || text === "") return null;
  return Number(units[1] ?? 0) * 3600 + Number(units[2] ?? 0) * 60 + Number(units[3] ?? 0);
}

function wallClock(text, started, duration) {
  const parts = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(text);
  if (!parts) return null;
  const [hours, minutes, seconds] = parts.slice(1).map((part) => Number(part ?? 0));
  if (hours > 23 || minutes > 59 || seconds > 59) return null;
  const day = new Date(started * 1000);
  // A cast may go on over midnight, and days may have another length.
  for (let days = 0; days * 86400 <= duration + 86400; days += 1) {
    const moment = new Date(day.getFullYear(), day.getMonth(), day.getDate() + days, hours, minutes, seconds);
    const time = moment.getTime() / 1000 - started;
    if (time >= 0 && time <= duration) return time;
  }
  return null;
}
