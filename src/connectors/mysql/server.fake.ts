/** For the tests of this folder: databases on one real server, and links to them. */
import { systemClock } from '../../std/clock.ts'
import type { Server } from '../../testing/mysql-server.ts'
import { connect, type Link, quoted } from './client.ts'
import { type MysqlOptions, settingsOf } from './options.ts'

const never = new AbortController().signal

/** A database of its own with a link to it; the end of its scope drops it. */
export interface Scratch extends AsyncDisposable {
  readonly url: string
  readonly name: string
  /** As root. */
  readonly link: Link
  /** Runs these statements as root, one after the other. */
  sql(...statements: string[]): Promise<void>
  /** A further link, as another user or with other options. */
  connect(user?: string, options?: Partial<MysqlOptions>): Promise<Link>
}

let count = 0

/** Makes a database on a server. */
export async function scratch(server: Pick<Server, 'url'>): Promise<Scratch> {
  const name = `t${process.pid}_${++count}` // files of tests may share one server
  const url = new URL(server.url)
  const links: Link[] = []
  const open = async (user?: string, options: Partial<MysqlOptions> = {}) => {
    const own = new URL(url)
    if (user !== undefined) [own.username, own.password] = [user, user]
    const link = await connect(settingsOf({ name: 'legacy', url: own.href, ...options }), systemClock, never)
    links.push(link)
    return link
  }
  const first = await open()
  await first.query(`CREATE DATABASE ${quoted(name)} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci`)
  url.pathname = `/${name}`
  const link = await open()
  return {
    url: url.href,
    name,
    link,
    async sql(...statements) {
      for (const statement of statements) await link.query(statement)
    },
    connect: open,
    async [Symbol.asyncDispose]() {
      // A test may have stopped or restarted the server.
      if (first.alive()) await first.query(`DROP DATABASE IF EXISTS ${quoted(name)}`)
      for (const each of links) await each.close()
    },
  }
}
