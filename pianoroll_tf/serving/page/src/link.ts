// A take as a link: settings and primer are in the URL's fragment, which browsers never send to the server.
import { decodeRoll, encodeRoll } from "./codec";
import { type Limits, type Primer, settingError, type Settings, validateClock } from "./settings";

const MAX_LENGTH = 16_000; // of a link, in characters: longer ones are cut by many programs that pass them on
const SETTING_NAMES = ["version", "steps", "seed", "temperature", "top_p", "density"] as const;

/** The fragment for these settings and primer, without "#". */
export async function toFragment(settings: Settings, primer: Primer | null): Promise<string> {
  const fields = new URLSearchParams();
  for (const name of SETTING_NAMES) fields.set(name, String(settings[name]));
  if (primer) {
    fields.set("primer", primer.name);
    for (const [name, value] of Object.entries(primer.clock ?? {})) fields.set(name, String(value));
    if (primer.lead) fields.set("lead", String(primer.lead.length));
    fields.set("roll", await encodeRoll([...(primer.lead ?? []), ...primer.roll]));
  }
  return fields.toString();
}

/** The link at this address; throws an Error whose message can be shown to the user if it would be too long. */
export async function toLink(address: string, settings: Settings, primer: Primer | null): Promise<string> {
  const link = `${address}#${await toFragment(settings, primer)}`;
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
): Promise<{ settings: Settings; primer: Primer | null } | null> {
  const fields = new URLSearchParams(fragment.replace(/^#/, ""));
  if (!fields.has("seed")) return null;
  const settings = {} as Settings;
  for (const name of SETTING_NAMES) {
    const text = fields.get(name) ?? "";
    settings[name] = text.trim() === "" ? NaN : Number(text);
    const message = settingError(name, settings[name], limits);
    if (message) throw new Error(`This link cannot be opened. ${message}`);
  }
  const roll = fields.get("roll");
  if (roll === null) return { settings, primer: null };
  try {
    const rows = await decodeRoll(roll);
    const leadSteps = Number(fields.get("lead") ?? 0);
    if (!Number.isInteger(leadSteps) || leadSteps < 0 || leadSteps > rows.length) throw new Error("It is damaged.");
    const primer: Primer = { name: fields.get("primer")?.slice(0, 120) || "a primer", roll: rows.slice(leadSteps) };
    if (leadSteps) primer.lead = rows.slice(0, leadSteps);
    const [tempo, meter, place] = [fields.get("tempo"), fields.get("meter"), fields.get("place")];
    if (tempo !== null) primer.clock = validateClock({ tempo: Number(tempo), meter: meter ?? "", place: Number(place) });
    return { settings, primer };
  } catch (error) {
    throw new Error(`This link cannot be opened. ${(error as Error).message}`);
  }
}
