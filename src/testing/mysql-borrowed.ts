/** A database on a server that is not ours: made for us and, unless it was named, dropped again. */
import { randomBytes } from 'node:crypto'
import mysql from 'mysql2/promise'
import type { Server } from './mysql-server.ts'

/**
 * Makes a database on the server behind `url`.
 * @param database Its name; kept at `stop`, and used as it is when it exists. Without it a random one is dropped at `stop`.
 * @throws Error when the server cannot be reached, does not log rows, or refuses to make a database.
 */
export async function borrowDatabase(url: string, database?: string): Promise<Server> {
  const address = new URL(url)
  const where = `the server at ${address.hostname}:${address.port || 3306}`
  const name = database ?? `syncline_test_${randomBytes(6).toString('hex')}`
  await ask(url, where, async (connection) => {
    const [rows] = await connection.query('SELECT @@log_bin AS log, @@global.binlog_format AS format')
    const [found] = rows as { log: number; format: string }[]
    if (found?.log !== 1 || found.format !== 'ROW')
      throw new Error(
        `it runs with log_bin=${found?.log} and binlog_format=${found?.format}, and has to run with log_bin and binlog_format=ROW`,
      )
    await connection.query(`CREATE DATABASE IF NOT EXISTS ${mysql.escapeId(name)}`)
  })
  address.pathname = `/${encodeURIComponent(name)}`
  let isDropped = database !== undefined
  const stop = async () => {
    if (isDropped) return
    isDropped = true
    await ask(url, where, (connection) => connection.query(`DROP DATABASE IF EXISTS ${mysql.escapeId(name)}`))
  }
  const refuse = async () => {
    throw new Error(`${where} is not ours to stop; this needs a server of our own (existing: null).`)
  }
  return {
    url: address.href,
    port: Number(address.port || 3306),
    folder: '',
    programs: '',
    owned: false,
    stop,
    [Symbol.asyncDispose]: stop,
    kill: refuse,
    restart: refuse,
  }
}

/** Makes a database on the server behind `url` if it is not there. */
export async function makeDatabase(url: string, name: string): Promise<void> {
  await ask(url, `the server at ${new URL(url).host}`, (connection) =>
    connection.query(`CREATE DATABASE IF NOT EXISTS ${mysql.escapeId(name)} CHARACTER SET utf8mb4`),
  )
}

async function ask(
  url: string,
  where: string,
  work: (connection: mysql.Connection) => Promise<unknown>,
): Promise<void> {
  const { hostname, port, username, password } = new URL(url)
  try {
    const connection = await mysql.createConnection({
      host: decodeURIComponent(hostname),
      port: Number(port || 3306),
      user: decodeURIComponent(username),
      password: decodeURIComponent(password),
      connectTimeout: 10_000,
    })
    connection.on('error', () => {}) // a broken connection also rejects the query in hand
    try {
      await work(connection)
    } finally {
      connection.destroy()
    }
  } catch (error) {
    throw new Error(`Cannot use ${where}: ${(error as Error).message}.`)
  }
}
