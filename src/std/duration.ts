/** How a length of time is written: `500ms`, `30s`, `10m`, `24h`, `90d`. For option schemas. */
export const durationPattern = '^[1-9][0-9]{0,8}(ms|s|m|h|d)$'

const units_ms = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** The milliseconds of a duration; `undefined` for a text that is none. */
export function duration_ms(text: string): number | undefined {
  const match = /^([1-9]\d{0,8})(ms|s|m|h|d)$/.exec(text)
  return match === null ? undefined : Number(match[1]) * units_ms[match[2] as keyof typeof units_ms]
}
