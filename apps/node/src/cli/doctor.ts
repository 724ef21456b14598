import { examine } from '../doctor/examine.ts'
import type { Finding } from '../doctor/finding.ts'
import { configuredExamination } from './configured-examination.ts'
import { expectNoMore } from './joined.ts'
import { createLogger } from './log.ts'
import { nodeOptions } from './mesh-options.ts'
import { printable } from './printable.ts'
import { asUsageError, meshHelpOfClient, meshOptions, parseOptions } from './usage.ts'

const HELP = `Usage: flatend doctor [options]

Finds out why nodes do not find each other. Looks at each address to join through (name, connection,
handshake, network, key), at this machine's clock, at NAT and, with --listen, at whether others can
dial this machine, and tells what to do. Exit status 1 if something is wrong.

  -c, --config FILE          look as the gateway of this configuration would: its nodes to join,
                             network, keys; other options win over it
      --json                 an object instead of lines
${meshHelpOfClient}
`

/** `flatend doctor`. */
export async function doctorCommand(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseOptions('flatend doctor', args, {
    ...meshOptions,
    config: { type: 'string', short: 'c' },
    json: { type: 'boolean' },
  })
  if (values.help) {
    process.stdout.write(HELP)
    return 0
  }
  expectNoMore(positionals, 'doctor')
  const log = createLogger(values['log-level'] ?? 'error', 2)
  const given = nodeOptions(values, log)
  const { options, notes } = await configuredExamination(values.config, log)
  const found = await examine({ ...options, ...given }).catch((error: unknown) => {
    throw asUsageError(error)
  })
  const findings = [...notes, ...found]
  const ok = !findings.some(({ level }) => level === 'problem')
  process.stdout.write(
    values.json ? `${JSON.stringify({ ok, findings }, undefined, 2)}\n` : shown(findings, ok),
  )
  return ok ? 0 : 1
}

function shown(findings: readonly Finding[], ok: boolean): string {
  const lines = printable(findings.map(line).join(''))
  const problems = findings.filter(({ level }) => level === 'problem').length
  if (ok) return `${lines}All is well.\n`
  return `${lines}${problems === 1 ? '1 problem' : `${problems} problems`}.\n`
}

function line({ level, check, subject, message, cure, details }: Finding): string {
  const where = subject === undefined ? check : `${check} ${subject}`
  const reason = details?.['reason']
  let text = `${level.padEnd(8)} ${where}: ${message}\n`
  if (reason !== undefined) text += `         because: ${reason}\n`
  if (cure !== undefined) text += `         cure: ${cure}\n`
  return text
}
