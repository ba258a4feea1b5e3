// A take as a link: settings and primer in the fragment, which stays in the browser and is never sent to a server.
import { decodeRoll, encodeRoll } from "./codec";
import { checkedClock, complaint, type Limits, type Primer, type Settings } from "./settings";

const NAMES = ["version", "steps", "seed", "temperature", "top_p", "density"] as const;

/** The fragment, without "#". */
export async function toFragment(settings: Settings, primer: Primer | null): Promise<string> {
  const fields = new URLSearchParams();
  for (const name of NAMES) fields.set(name, String(settings[name]));
  if (primer) {
    fields.set("primer", primer.name);
    for (const [name, value] of Object.entries(primer.clock ?? {})) fields.set(name, String(value));
    fields.set("roll", await encodeRoll(primer.roll));
  }
  return fields.toString();
}

/**
 * Settings and primer of a fragment; null if it is empty.
 * Throws an Error with a sentence for people where it is damaged or asks for what the server does not allow.
 */
export async function fromFragment(
  fragment: string,
  limits: Limits,
): Promise<{ settings: Settings; primer: Primer | null } | null> {
  const fields = new URLSearchParams(fragment.replace(/^#/, ""));
  if (!fields.has("seed")) return null;
  const settings = {} as Settings;
  for (const name of NAMES) {
    const text = fields.get(name) ?? "";
    settings[name] = text.trim() === "" ? NaN : Number(text);
    const wrong = complaint(name, settings[name], limits);
    if (wrong) throw new Error(`This link cannot be followed. ${wrong}`);
  }
  const roll = fields.get("roll");
  if (roll === null) return { settings, primer: null };
  try {
    const primer: Primer = { name: fields.get("primer")?.slice(0, 120) || "a primer", roll: await decodeRoll(roll) };
    const [tempo, meter, place] = [fields.get("tempo"), fields.get("meter"), fields.get("place")];
    if (tempo !== null) primer.clock = checkedClock({ tempo: Number(tempo), meter: meter ?? "", place: Number(place) });
    return { settings, primer };
  } catch (error) {
    throw new Error(`This link cannot be followed. ${(error as Error).message}`);
  }
}
