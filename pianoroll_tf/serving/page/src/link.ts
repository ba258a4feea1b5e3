// A take as a link: settings and primer are in the URL's fragment, which browsers never send to the server.
import { decodeRoll, encodeRoll } from "./codec";
import type { Roll } from "./roll";
import { type Limits, type Primer, settingError, type Settings, validateClock } from "./settings";
import { validateSteering } from "./steering";
import { type Gap, validateGap, withoutGap } from "./take";

const MAX_LENGTH = 16_000; // of a link, in characters: longer ones are cut by many programs that pass them on
const SETTING_NAMES = ["version", "steps", "seed", "temperature", "top_p", "density"] as const;

/** A gap that was filled, and the whole music, of which what is in the gap does not matter. */
export interface Filling {
  gap: Gap;
  rows: Roll;
}

/** What a link holds; `filling` only if the take was made by filling a gap. */
export interface LinkContent {
  settings: Settings;
  primer: Primer | null;
  filling?: Filling;
}

/** The fragment for this content, without "#". */
export async function toFragment({ settings, primer, filling }: LinkContent): Promise<string> {
  const fields = new URLSearchParams();
  for (const name of SETTING_NAMES) fields.set(name, String(settings[name]));
  if (settings.steering) fields.set("steering", JSON.stringify(settings.steering));
  if (primer) {
    fields.set("primer", primer.name);
    for (const [name, value] of Object.entries(primer.clock ?? {})) fields.set(name, String(value));
    if (primer.lead) fields.set("lead", String(primer.lead.length));
    fields.set("roll", await encodeRoll([...(primer.lead ?? []), ...primer.roll]));
  }
  if (filling) {
    const { start, end, particles } = filling.gap;
    fields.set("gap", [start, end, particles].join("-"));
    fields.set("whole", await encodeRoll(withoutGap(filling.rows, filling.gap)));
  }
  return fields.toString();
}

/** The link at this address; throws an Error whose message can be shown to the user if it would be too long. */
export async function toLink(address: string, content: LinkContent): Promise<string> {
  const link = `${address}#${await toFragment(content)}`;
  if (link.length <= MAX_LENGTH) return link;
  const size = `${link.length.toLocaleString("en")} characters, of at most ${MAX_LENGTH.toLocaleString("en")}`;
  throw new Error(`The music that this take begins with is too long for a link: ${size}. Save it as a file instead.`);
}

/**
 * Parses the settings and primer of a fragment; null if it holds none.
 * Throws an Error whose message can be shown to the user if it is damaged or outside of the server's limits.
 */
export async function fromFragment(
  fragment: string,
  limits: Limits,
): Promise<LinkContent | null> {
  const fields = new URLSearchParams(fragment.replace(/^#/, ""));
  if (!fields.has("seed")) return null;
  const settings = {} as Settings;
  for (const name of SETTING_NAMES) {
    const text = fields.get(name) ?? "";
    settings[name] = text.trim() === "" ? NaN : Number(text);
    const message = settingError(name, settings[name], limits);
    if (message) throw new Error(`This link cannot be opened. ${message}`);
  }
  try {
    const steering = fields.get("steering");
    if (steering !== null) settings.steering = validateSteering(JSON.parse(steering));
    const primer = await parsePrimer(fields);
    const filling = await parseFilling(fields);
    return filling ? { settings, primer, filling } : { settings, primer };
  } catch (error) {
    throw new Error(`This link cannot be opened. ${(error as Error).message}`);
  }
}

async function parsePrimer(fields: URLSearchParams): Promise<Primer | null> {
  const roll = fields.get("roll");
  if (roll === null) return null;
  const rows = await decodeRoll(roll);
  const leadSteps = Number(fields.get("lead") ?? 0);
  if (!Number.isInteger(leadSteps) || leadSteps < 0 || leadSteps > rows.length) throw new Error("It is damaged.");
  const primer: Primer = { name: fields.get("primer")?.slice(0, 120) || "a primer", roll: rows.slice(leadSteps) };
  if (leadSteps) primer.lead = rows.slice(0, leadSteps);
  const [tempo, meter, place] = [fields.get("tempo"), fields.get("meter"), fields.get("place")];
  if (tempo !== null) primer.clock = validateClock({ tempo: Number(tempo), meter: meter ?? "", place: Number(place) });
  return primer;
}

async function parseFilling(fields: URLSearchParams): Promise<Filling | null> {
  const [gap, whole] = [fields.get("gap"), fields.get("whole")];
  if (gap === null || whole === null) return null;
  const rows = await decodeRoll(whole);
  const [start, end, particles] = gap.split("-").map(Number);
  return { gap: validateGap({ start: start!, end: end!, particles: particles! }, rows.length), rows };
}
