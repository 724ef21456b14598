import { homedir } from 'node:os'
import { join } from 'node:path'

/** Variables of the XDG base directory specification, and what stands for them below a home. */
const FOLDERS = {
  data: ['XDG_DATA_HOME', 'share'],
  state: ['XDG_STATE_HOME', 'state'],
} as const

/** Where programs keep what is theirs, by the XDG base directory specification; it may not exist. */
export function userFolder(kind: keyof typeof FOLDERS): string {
  const [variable, name] = FOLDERS[kind]
  return join(process.env[variable] || join(home(), '.local', name), 'flatend')
}

/** A user without a name has no home, where nothing sets HOME: as in containers it is the root then. */
function home(): string {
  try {
    return homedir()
  } catch {
    return '/'
  }
}
