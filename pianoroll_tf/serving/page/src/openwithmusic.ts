// The piece with which the page opens: it is made, described, and becomes a take when it is played.
import type { About } from "./api";
import type { Generator } from "./generator";
import { Opening } from "./opening";
import { randomSeed } from "./settings";
import type { SettingsForm } from "./settingsform";
import type { Take } from "./take";
import type { TakeList } from "./takelist";

/** While there are no takes: a piece to listen to, and pieces to carry on from with one click, which calls `start`. */
export function openWithMusic(
  about: About,
  form: SettingsForm,
  takes: TakeList,
  generator: Generator,
  start: (example: number) => void,
): void {
  const make = () => {
    const settings = form.read();
    void takes.piano.load().catch(() => undefined);
    return settings && generator.take({ settings: { ...settings, seed: randomSeed() }, primer: null, origin: {} });
  };
  const describe = (take: Take) => {
    const length = form.describeLength(take.rows.length).replace(/ · .*/, "");
    return `${length} from scratch, generated just now.`;
  };
  const opening = new Opening(about.example_primers, make, describe, start);
  opening.ongrow = (take) => takes.update(take);
  opening.onplay = (take) => {
    take.number = takes.nextNumber; // others may have been made and removed since
    takes.add(take);
    takes.update(take);
    takes.reveal(take);
    takes.listen(take);
  };
}
