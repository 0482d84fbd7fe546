import type { Failure } from '../model/failure.ts'
import type { Event, FlowName } from './event.ts'

/** How loud a line is. */
export type Level = 'debug' | 'info' | 'warn' | 'error' | 'fatal'

/** An event as one line for people, with its fields for machines. */
export interface Line {
  readonly level: Level
  readonly sentence: string
  readonly fields: Readonly<Record<string, string | number | boolean | null>>
  /** Lines with the same key say the same thing again; null for lines that are always shown. */
  readonly repeats: string | null
}

/** Longest text taken from a failure, in characters. */
const TEXT_MAX = 2_000

/**
 * Text that cannot forge a line, move the cursor or turn the reading direction: control characters (C0, DEL, C1), line
 * separators and bidirectional controls (Unicode TR 9) become `\u….`
 */
export function printable(text: string): string {
  return (
    text
      .slice(0, TEXT_MAX)
      .toWellFormed()
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to be escaped
      .replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, escaped)
  )
}

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** A failure as people read it in one line: code, what happened, what to do. */
export const failureText = ({ code, message, hint }: Failure): string =>
  printable(sentences(`${code} ${message}`, hint))

/** What happened and what to do, in one line; messages end with or without a full stop. */
export function sentences(message: string, hint: string): string {
  if (hint === '') return message
  return `${message}${/[.!?]$/.test(message) ? '' : '.'} ${hint}`
}

/**
 * The line of an event. Null: there is nothing to say of it. Only counts, names and failures are taken from an event, one by
 * one, so that nothing else which an event may carry can get into a log.
 */
export function lineOf(event: Event, flows: ReadonlyMap<string, FlowName>): Line | null {
  switch (event.kind) {
    case 'captured':
    case 'capture':
    case 'snapshot':
      return lineOfSource(event)
    case 'validated':
      // What was parked is told by `judged`.
      return null
    case 'duplicates':
    case 'scan':
    case 'merge':
      return lineOfTwins(event, flows.get(event.flow)?.target ?? 'the target')
    case 'judged':
    case 'answered':
    case 'settled':
    case 'landing':
    case 'away':
    case 'flow':
      return lineOfFlow(event, flows.get(event.flow))
    case 'report': {
      const { file, failure } = event
      if (failure === null) {
        const sentence = `The quality report is written: ${printable(file ?? '')}`
        return { level: 'info', sentence, fields: { event: 'report', file: printable(file ?? '') }, repeats: null }
      }
      const fields = { event: 'report', file: null, ...failureFields(failure) }
      return { level: 'warn', sentence: failureText(failure), fields, repeats: null }
    }
    case 'fatal':
      return {
        level: 'fatal',
        sentence: `The engine stops: ${failureText(event.failure)}`,
        fields: { event: 'fatal', ...failureFields(event.failure) },
        repeats: null,
      }
  }
}

type SourceEvents = Extract<Event, { kind: 'captured' | 'capture' | 'snapshot' }>

function lineOfSource(event: SourceEvents): Line | null {
  const system = printable(event.system)
  switch (event.kind) {
    case 'captured':
      if (event.changes === 0) return null
      return {
        level: 'debug',
        sentence: `${system}: ${count(event.changes, 'change')} of ${count(event.commits, 'transaction')} stored`,
        fields: { event: 'captured', system, changes: event.changes, commits: event.commits, lag_ms: event.lag_ms },
        repeats: null,
      }
    case 'capture': {
      const { status, failure } = event
      const why = failure === null ? '' : ` ${failureText(failure)}`
      const fields = { event: 'capture', system, status, ...failureFields(failure) }
      if (status === 'open')
        return { level: 'info', sentence: `${system}: changes are being read`, fields, repeats: null }
      if (status === 'reopening')
        return {
          level: 'warn',
          sentence: `${system}: the connection is opened again.${why}`,
          fields,
          repeats: `capture|${system}|${failure?.code}`,
        }
      const level = failure === null ? 'info' : 'error'
      return { level, sentence: `${system}: reading has stopped.${why}`, fields, repeats: null }
    }
    case 'snapshot': {
      const table = printable(event.table)
      const flow = event.flow === null ? null : printable(event.flow)
      const { rows, rowsEstimated, done } = event
      const of = rowsEstimated === null || done ? '' : ` of about ${figure(rowsEstimated)}`
      return {
        level: 'info',
        sentence: `${system}: snapshot of ${table}${flow === null ? '' : ` for ${flow}`}${done ? ' is complete' : ''}: ${figure(rows)}${of} rows`,
        fields: { event: 'snapshot', system, table, flow, rows, rowsEstimated, done },
        repeats: null,
      }
    }
  }
}

type TwinEvents = Extract<Event, { kind: 'duplicates' | 'scan' | 'merge' }>

function lineOfTwins(event: TwinEvents, target: string): Line | null {
  const flow = printable(event.flow)
  if (event.kind === 'merge') return lineOfMerge(event, flow, target)
  if (event.kind === 'duplicates') {
    const { compared, merged, unmerged, review, cut } = event
    const left = cut === 0 ? '' : `; ${count(cut, 'record')} share a trait with more others than are compared`
    return {
      level: review > 0 ? 'warn' : 'debug',
      sentence: `${flow}: ${count(merged, 'duplicate')} merged, ${figure(review)} to review: see syncline review list${left}`,
      fields: { event: 'duplicates', flow, compared, merged, unmerged, review, cut },
      repeats: `duplicates|${flow}|${cut > 0}`,
    }
  }
  const { records, calls, filled, following, failure } = event
  // The target is asked every few seconds: only metrics want to hear of it.
  if (following && failure === null) return null
  const why = failure === null ? '' : ` ${failureText(failure)}`
  return {
    level: failure === null ? 'info' : 'warn',
    sentence: `${flow}: ${count(records, 'record')} of ${target} known for comparison${filled ? '' : '; nothing is sent before all are'}.${why}`,
    fields: { event: 'scan', flow, records, calls, filled, ...failureFields(failure) },
    repeats: `scan|${flow}|${filled}|${failure?.code}`,
  }
}

/** Where parked records went, and where to see them. */
function parkedText(quarantined: number, review: number): string {
  const lists = [
    ...(quarantined > 0 ? ['syncline quarantine list'] : []),
    ...(review > 0 ? ['syncline review list'] : []),
  ]
  const first = quarantined > 0 ? `${count(quarantined, 'record')} went to quarantine` : ''
  const second =
    review === 0 ? '' : first === '' ? `${count(review, 'record')} went to review` : `, ${review} to review`
  return `${first}${second}: see ${lists.join(' and ')}`
}

const mergeEnds = {
  merged: 'two records were merged inside',
  gone: 'of two records that were to be merged one was deleted already inside',
  refused: 'two records could not be merged inside',
  again: 'two records are to be merged later inside',
} as const

function lineOfMerge({ end, failure }: Extract<Event, { kind: 'merge' }>, flow: string, target: string): Line {
  const why = failure === null ? '' : `. ${failureText(failure)}`
  return {
    level: failure === null ? 'info' : 'warn',
    sentence: `${flow}: ${mergeEnds[end]} ${target}, as a person asked for${why}`,
    fields: { event: 'merge', flow, end, ...failureFields(failure) },
    repeats: `merge|${flow}|${end}|${failure?.code}`,
  }
}

type FlowEvents = Extract<Event, { kind: 'judged' | 'answered' | 'settled' | 'landing' | 'away' | 'flow' }>

function lineOfFlow(event: FlowEvents, name: FlowName | undefined): Line {
  const flow = printable(event.flow)
  const at = { event: event.kind, flow, sync: name?.sync ?? null, source: name?.source ?? null }
  const target = name?.target ?? 'the target'
  const names = { ...at, target: name?.target ?? null }
  switch (event.kind) {
    case 'judged': {
      const { entries, sent, parked, review, excluded, superseded, waiting, ms } = event
      return {
        level: parked > 0 ? 'warn' : 'debug',
        sentence:
          parked > 0
            ? `${flow}: ${parkedText(parked - review, review)}`
            : `${flow}: ${count(entries, 'change')} judged, ${count(sent, 'record')} to send`,
        fields: { ...names, entries, sent, parked, review, excluded, superseded, waiting, ms: Math.round(ms) },
        repeats: parked > 0 ? `parked|${flow}` : null,
      }
    }
    case 'answered': {
      const { route, records, confirmed, rejected, unsent, unknown, attempt, ms, failure } = event
      const why = failure === null ? '' : ` ${failureText(failure)}`
      return {
        level: failure === null ? 'debug' : 'warn',
        sentence: `${flow}: ${target} confirmed ${confirmed} of ${count(records, 'record')}.${why}`,
        fields: {
          ...{ ...names, route, records, confirmed, rejected, unsent, unknown, attempt, ms: Math.round(ms) },
          ...failureFields(failure),
        },
        repeats: failure === null ? null : `answered|${flow}|${failure.code}`,
      }
    }
    case 'settled': {
      const { delivered, superseded, parked, returned } = event
      return {
        level: parked > 0 ? 'warn' : 'debug',
        sentence:
          parked > 0
            ? `${flow}: ${target} refused ${count(parked, 'record')} for their data: see syncline quarantine list`
            : `${flow}: ${count(delivered, 'record')} delivered`,
        fields: { ...names, delivered, superseded, parked, returned },
        repeats: parked > 0 ? `refused|${flow}` : null,
      }
    }
    case 'landing':
      return {
        level: 'warn',
        sentence: `${flow}: the answer for ${count(event.records, 'record')} was lost; they are read back from ${target} before anything else is sent for them`,
        fields: { ...names, records: event.records, until_ms: event.until_ms },
        repeats: `landing|${flow}`,
      }
    case 'away':
      return {
        level: 'warn',
        sentence: `${flow}: ${target} takes nothing at present, next try in ${Math.round(event.retryIn_ms / 1000)} s. ${failureText(event.failure)}`,
        fields: { ...names, retryIn_ms: event.retryIn_ms, ...failureFields(event.failure) },
        repeats: `away|${flow}|${event.failure.code}`,
      }
    case 'flow':
      return lineOfStatus(event, flow, names)
  }
}

function lineOfStatus(event: Extract<Event, { kind: 'flow' }>, flow: string, names: Line['fields']): Line {
  const { status, failure } = event
  const why = failure === null ? '' : ` ${failureText(failure)}`
  // It runs and has failed: its source is away, and is asked again every second.
  const fields = { ...names, status, ...failureFields(failure) }
  if (status === 'running' && failure !== null)
    return {
      level: 'warn',
      sentence: `${flow}: it goes on when its source answers.${why}`,
      fields,
      repeats: `flow|${flow}|${failure.code}`,
    }
  const level = status === 'stopped' || status === 'needs-snapshot' ? 'error' : 'info'
  return { level, sentence: `${flow}: ${status}.${why}`, fields, repeats: null }
}

const failureFields = (failure: Failure | null): { code?: string; error?: string; hint?: string; retry?: string } =>
  failure === null
    ? {}
    : {
        code: failure.code,
        error: printable(failure.message),
        hint: printable(failure.hint),
        retry: failure.retry,
      }

/** `1 record`, `2,000 records`. */
const count = (n: number, noun: string): string => `${figure(n)} ${noun}${n === 1 ? '' : 's'}`

const figure = (n: number): string => String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, ',')
