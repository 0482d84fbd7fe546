import type { TopicRules } from './config.ts'

/** The topic that Debezium would write a table's changes to: prefix.database.table, then through the routers in their order. */
export function topicOf(rules: TopicRules, table: string): string {
  const unrouted = [rules.prefix, ...fullName(rules, table).split('.')].join(rules.delimiter)
  return rules.routes.reduce(route, unrouted)
}

/** RegexRouter: a topic that matches as a whole is renamed, any other stays (java.util.regex, `matches` and `replaceFirst`). */
function route(topic: string, { regex, replacement }: TopicRules['routes'][0]): string {
  const match = new RegExp(`^(?:${regex})$`, 'u').exec(topic)
  if (match === null) return topic
  return replacement.replaceAll(/\\(.)|\$\{(\w+)\}|\$(\d)/g, (_, escaped, name, digit) => {
    if (escaped !== undefined) return escaped
    return (name === undefined ? match[Number(digit)] : match.groups?.[name]) ?? ''
  })
}

/** Whether the include and exclude lists let a table through. */
export function isCaptured(rules: TopicRules, table: string): boolean {
  const full = fullName(rules, table)
  return passes(rules.databases, full.slice(0, Math.max(0, full.indexOf('.')))) && passes(rules.tables, full)
}

const fullName = ({ database }: TopicRules, table: string): string =>
  table.includes('.') || database === null ? table : `${database}.${table}`

/** Patterns of Debezium's lists match a name as a whole, in any case of letters. */
function passes({ include, exclude }: TopicRules['tables'], name: string): boolean {
  const matches = (pattern: string) => new RegExp(`^(?:${pattern})$`, 'iu').test(name)
  return (include.length === 0 || include.some(matches)) && !exclude.some(matches)
}
