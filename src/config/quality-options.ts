import { Type } from 'typebox'
import { durationPattern } from '../std/duration.ts'

const closed = { additionalProperties: false } as const

const report = Type.Object(
  {
    schedule: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 200,
        default: '0 7 * * 1',
        description: 'When it is written: a cron expression of five fields. 0 7 * * 1: Mondays at seven.',
      }),
    ),
    timezone: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 100,
        default: 'UTC',
        description: 'The time zone of the schedule, and of the days in the report: Europe/Vienna.',
      }),
    ),
    folder: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 4096,
        default: './reports',
        description: 'Where it is written, relative to this file.',
      }),
    ),
    period: Type.Optional(
      Type.String({
        pattern: durationPattern,
        default: '7d',
        description:
          'What it covers: whole days (up to 190d) or hours (up to 168h) that are over. The same length before is told beside it.',
      }),
    ),
    format: Type.Optional(
      Type.Unsafe<'html' | 'markdown' | 'json' | 'text'>({
        enum: ['html', 'markdown', 'json', 'text'],
        default: 'html',
        description: 'How it is written.',
      }),
    ),
    keep: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 10_000,
        default: 52,
        description: 'Reports that stay in the folder; older ones go.',
      }),
    ),
  },
  { ...closed, description: 'A report on the quality of the data, written by the engine while it runs.' },
)

/** `quality:` of the configuration. */
export const qualityOptions = Type.Object(
  { report: Type.Optional(report) },
  { ...closed, description: 'How good the data is, over time; `validate.quality` of a sync scores records.' },
)
