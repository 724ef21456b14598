// Dates of RFC 9110 §5.6.7 by arithmetic: the core has no clock of days.
const DAYS = ['Thu', 'Fri', 'Sat', 'Sun', 'Mon', 'Tue', 'Wed']
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const IMF = /^[A-Z][a-z]{2}, (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT$/

/** Seconds since 1970 as an IMF-fixdate. */
export function formatHttpDate(seconds: number): string {
  const days = Math.floor(seconds / 86_400)
  const rest = seconds - days * 86_400
  const { year, month, day } = civil(days)
  const time = [Math.floor(rest / 3_600), Math.floor(rest / 60) % 60, rest % 60].map(two).join(':')
  const name = DAYS[((days % 7) + 7) % 7]
  return `${name}, ${two(day)} ${MONTHS[month]} ${String(year).padStart(4, '0')} ${time} GMT`
}

/** Seconds since 1970 of an IMF-fixdate; `undefined` of anything else. */
export function parseHttpDate(text: string): number | undefined {
  const match = IMF.exec(text)
  if (match === null) return undefined
  const month = MONTHS.indexOf(match[2] as string)
  if (month === -1) return undefined
  const [day, year, hour, minute, second] = [1, 3, 4, 5, 6].map((index) => Number(match[index]))
  const seconds = daysOf(year as number, month, day as number) * 86_400
  return seconds + (hour as number) * 3_600 + (minute as number) * 60 + (second as number)
}

const two = (value: number): string => String(value).padStart(2, '0')

/** Days since 1970 of a day in the Gregorian calendar; years counted from March. */
function daysOf(year: number, month: number, day: number): number {
  const shifted = month < 2 ? year - 1 : year
  const era = Math.floor(shifted / 400)
  const ofEra = shifted - era * 400
  const ofYear = Math.floor((153 * ((month + 10) % 12) + 2) / 5) + day - 1
  return (
    era * 146_097 + ofEra * 365 + Math.floor(ofEra / 4) - Math.floor(ofEra / 100) + ofYear - 719_468
  )
}

/** The inverse of `daysOf`: guesses the year, then the month, and corrects. */
function civil(days: number): { year: number; month: number; day: number } {
  let year = 1970 + Math.floor(days / 365.2425)
  while (daysOf(year, 0, 1) > days) year--
  while (daysOf(year + 1, 0, 1) <= days) year++
  let month = 11
  while (daysOf(year, month, 1) > days) month--
  return { year, month, day: days - daysOf(year, month, 1) + 1 }
}
