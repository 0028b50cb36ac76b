// Days and times as they are written in Scotland. Every moment is shown in the
// clocks of Europe/London, whatever the machine's own are.

const kZone = "Europe/London";

const kParts = new Intl.DateTimeFormat("en-GB", {
  timeZone: kZone,
  weekday: "long",
  day: "numeric",
  month: "long",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});

interface Local {
  weekday: string;
  day: string;
  month: string;
  year: string;
  hour: string;
  minute: string;
  second: string;
}

function local(at: Date): Local {
  const parts = {} as Record<string, string>;
  for (const part of kParts.formatToParts(at)) parts[part.type] = part.value;
  return parts as unknown as Local;
}

// Microseconds since 1970-01-01T00:00:00Z, as every message has them; 0: none.
export function moment(micros: bigint): Date | undefined {
  return micros === 0n ? undefined : new Date(Number(micros / 1000n));
}

export function micros(at: Date): bigint {
  return BigInt(at.getTime()) * 1000n;
}

// "Friday 5 December 2025"
export function fullDate(at: Date): string {
  const { weekday, day, month, year } = local(at);
  return `${weekday} ${day} ${month} ${year}`;
}

// "5 December 2025"
export function plainDate(at: Date): string {
  const { day, month, year } = local(at);
  return `${day} ${month} ${year}`;
}

// "08:40"
export function clock(at: Date): string {
  const { hour, minute } = local(at);
  return `${hour}:${minute}`;
}

// "09:00:04"
export function clockWithSeconds(at: Date): string {
  const { hour, minute, second } = local(at);
  return `${hour}:${minute}:${second}`;
}

// Days since 1970 of the calendar day in London.
function dayNumber(at: Date): number {
  const iso = isoDay(at);
  return Date.parse(`${iso}T00:00:00Z`) / 86_400_000;
}

// "2025-12-05"
export function isoDay(at: Date): string {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: kZone, year: "numeric", month: "2-digit", day: "2-digit",
  }).formatToParts(at);
  const of = (type: string) => parts.find((part) => part.type === type)!.value;
  return `${of("year")}-${of("month")}-${of("day")}`;
}

// An ISO date without a time, at noon in London, so that it stays that day.
export function dayOf(iso: string): Date | undefined {
  return /^\d{4}-\d{2}-\d{2}$/.test(iso) ? new Date(`${iso}T12:00:00Z`) : undefined;
}

// "3 March 1979"; an ISO date that is none is given as it came.
export function birthDate(iso: string): string {
  const at = dayOf(iso);
  return at ? plainDate(at) : iso;
}

// "today", "yesterday", "tomorrow", "Friday" (within six days), "21 November",
// "9 June 2024" (another year).
export function dayWords(at: Date, now: Date): string {
  const days = dayNumber(at) - dayNumber(now);
  const { weekday, day, month, year } = local(at);
  if (days === 0) return "today";
  if (days === -1) return "yesterday";
  if (days === 1) return "tomorrow";
  if (year !== local(now).year) return `${day} ${month} ${year}`;
  return Math.abs(days) < 7 ? `${weekday} ${day} ${month}` : `${day} ${month}`;
}

// "today 08:40", "21 November 23:58"
export function when(at: Date, now: Date): string {
  return `${dayWords(at, now)} ${clock(at)}`;
}

// "08:40" on the same day, else "yesterday 17:00": after another time of that day.
export function clockOrWhen(at: Date, now: Date): string {
  return dayNumber(at) === dayNumber(now) ? clock(at) : when(at, now);
}

// A moment on the last day of a limit: midnight is the end of the day before it.
export function lastDay(limit: Date): Date {
  return clock(limit) === "00:00" ? new Date(limit.getTime() - 1) : limit;
}

// What is due at a moment: "by 11:00", "by tomorrow 17:00", "overdue since 08:45",
// "overdue since Wednesday 3 December 17:00", "by the end of tomorrow".
export function due(at: Date, now: Date): { words: string; overdue: boolean } {
  const overdue = at.getTime() < now.getTime();
  const day = lastDay(at);
  const moment = day < at ? `the end of ${dayWords(day, now)}` : clockOrWhen(at, now);
  return { words: overdue ? `overdue since ${moment}` : `by ${moment}`, overdue };
}

// What is due on a day: "7 days left", "due today", "overdue since Wednesday 3 December".
export function daysLeft(at: Date, now: Date): { words: string; overdue: boolean } {
  const days = dayNumber(at) - dayNumber(now);
  if (days < 0) return { words: `overdue since ${dayWords(at, now)}`, overdue: true };
  if (days === 0) return { words: "due today", overdue: false };
  return { words: days === 1 ? "1 day left" : `${days} days left`, overdue: false };
}

export function dayDifference(at: Date, now: Date): number {
  return dayNumber(at) - dayNumber(now);
}

// A day and a clock of London as a moment; undefined: they are none. In the repeated
// hour of October the first of the two.
export function fromLondon(day: string, time: string): Date | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(day) || !/^\d{2}:\d{2}$/.test(time)) return undefined;
  for (const offset of ["+01:00", "Z"]) {
    const at = new Date(`${day}T${time}:00${offset}`);
    if (!Number.isNaN(at.getTime()) && isoDay(at) === day && clock(at) === time) return at;
  }
  return undefined;
}
