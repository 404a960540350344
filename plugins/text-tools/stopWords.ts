/** Words that join others and carry nothing of the subject. */
export const STOP_WORDS: ReadonlySet<string> = new Set(
  `a about above after again against all almost along also although always am among an and another any are aren't around as at away
  be became because become been before being below between both but by came can cannot can't come could couldn't did didn't do does
  doesn't doing don't done down during each either else enough even ever every few first for from further gave get give go goes going got
  had hadn't has hasn't have haven't having he her here hers herself him himself his how however i if in indeed instead into is isn't it
  its itself just keep kept last least less let like long made make makes many may me might mine more most much must my myself near
  neither never next no nor not nothing now of off often on once one only onto or other others our ours ourselves out over own perhaps
  put quite rather really said same say says see seem seemed seems several shall she should since so some something still such than that
  the their theirs them themselves then there therefore these they thing things this those though three through thus to together too
  toward two under unless until up upon us used very was wasn't way we well went were weren't what when where whether which while who
  whole whom whose why will with within without won't would wouldn't yet you your yours yourself`.split(/\s+/),
);
