// A take as a link: settings and primer are in the URL's fragment, which browsers never send to the server.
import { decodeRoll, encodeRoll } from "./codec";
import { type Limits, type Primer, settingError, type Settings, validateClock } from "./settings";
import { validateSteering } from "./steering";

const SETTING_NAMES = ["version", "steps", "seed", "temperature", "top_p", "density"] as const;

/** The fragment for these settings and primer, without "#". */
export async function toFragment(settings: Settings, primer: Primer | null): Promise<string> {
  const fields = new URLSearchParams();
  for (const name of SETTING_NAMES) fields.set(name, String(settings[name]));
  if (settings.steering) fields.set("steering", JSON.stringify(settings.steering));
  if (primer) {
    fields.set("primer", primer.name);
    for (const [name, value] of Object.entries(primer.clock ?? {})) fields.set(name, String(value));
    fields.set("roll", await encodeRoll(primer.roll));
  }
  return fields.toString();
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
  const [roll, steering] = [fields.get("roll"), fields.get("steering")];
  try {
    if (steering !== null) settings.steering = validateSteering(JSON.parse(steering));
    if (roll === null) return { settings, primer: null };
    const primer: Primer = { name: fields.get("primer")?.slice(0, 120) || "a primer", roll: await decodeRoll(roll) };
    const [tempo, meter, place] = [fields.get("tempo"), fields.get("meter"), fields.get("place")];
    if (tempo !== null) primer.clock = validateClock({ tempo: Number(tempo), meter: meter ?? "", place: Number(place) });
    return { settings, primer };
  } catch (error) {
    throw new Error(`This link cannot be opened. ${(error as Error).message}`);
  }
}
