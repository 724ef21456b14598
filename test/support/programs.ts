import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Requirement } from './skip.ts'

/** Folders programs are looked for in: Debian keeps some where only administrators look. */
const FOLDERS = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin']

/** Where a program is, or `undefined`. */
export function programPath(name: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, name)).find((path) => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

export function hasProgram(name: string): boolean {
  return programPath(name) !== undefined
}

/** A program a test needs, and what is not tested without it. */
export function programHere(name: string, what: string, from = 'Debian has it'): Requirement {
  return { met: hasProgram(name), what, reason: `no ${name} on PATH (${from})` }
}
