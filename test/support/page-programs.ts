// Runs the programs that stand in our pages, as who copies them would.
import { Script } from 'node:vm'
import type { Block } from './markdown.ts'
import { ROOT } from './markdown.ts'
import { freePort, type Process, start } from './processes.ts'

/** A block that is a program: it imports what it uses, and lacks nothing. */
export function isProgram({ language, code, marks }: Block): boolean {
  return language === 'js' && /^import /m.test(code) && !marks.includes('sketch')
}

/** A program that goes on until it is stopped. */
export function stays({ code }: Block): boolean {
  return code.includes('Node.start(') && !code.includes('.shutdown(')
}

/** Replaces each port by one that is free, the same by the same. */
export class Ports {
  readonly #free = new Map<string, number>();

  async in(text: string): Promise<string> {
    const named = [...text.matchAll(/(?:127\.0\.0\.1|["'`]):(\d{4,5})\b/g)].map(([, port]) => port)
    let moved = text
    for (const port of new Set(named as string[])) {
      moved = moved.replaceAll(new RegExp(`\\b${port}\\b`, 'g'), String(await this.of(port)))
    }
    return moved.replaceAll(/(["'`]):(?=\d{4,5}["'`])/g, '$1127.0.0.1:')
  }

  async of(port: string): Promise<number> {
    const free = this.#free.get(port) ?? (await freePort())
    this.#free.set(port, free)
    return free
  }
}

/** Starts it in a folder from which every package of ours is found. */
export function startProgram(code: string): Process {
  return start(['--input-type=module', '-e', code], { cwd: `${ROOT}test` })
}

/** The lines it says it prints: `console.log(…) // these`. */
export function promised({ code }: Block): readonly string[] {
  return [...code.matchAll(/console\.log\(.*\) \/\/ (.*)/g)].map(([, line]) => line as string)
}

const IMPORT = /^import (\{[^}]*\}|\w+) from '([^']+)'$/gm

/** What it imports from packages of ours: names by package. */
export function imported({ code }: Block): readonly { names: string; from: string }[] {
  return [...code.matchAll(IMPORT)]
    .map(([, names = '', from = '']) => ({ names, from }))
    .filter(({ from }) => from.startsWith('@flatend/'))
}

/** Throws a SyntaxError where it is no JavaScript: statements, or members of an object. */
export function parse({ code, where }: Block): void {
  const body = code.replaceAll(IMPORT, (_, names: string) => `const ${names} = {}`)
  try {
    compile(`(async () => {\n${body}\n})`, where)
  } catch (error) {
    try {
      compile(`({\n${body}\n})`, where)
    } catch {
      throw error
    }
  }
}

function compile(code: string, filename: string): Script {
  return new Script(code, { filename })
}
