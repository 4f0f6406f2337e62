#include "text/languages.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <tandem/error.h>

#include "base/quote.h"
#include "text/language_codes.h"

namespace tandem {
namespace {

struct Alias {
  std::string_view name, language;
};

// ISO 639-1 and group codes to the ISO 639-3 code of the language that models mean by them. Sorted.
constexpr Alias kAliases[] = {
    {"af", "afr"},  {"am", "amh"},  {"ar", "arb"},  {"ara", "arb"}, {"as", "asm"},  {"ay", "ayr"},
    {"az", "azj"},  {"aze", "azj"}, {"ba", "bak"},  {"be", "bel"},  {"bg", "bul"},  {"bm", "bam"},
    {"bn", "ben"},  {"bo", "bod"},  {"br", "bre"},  {"bs", "bos"},  {"ca", "cat"},  {"cmn", "zho"},
    {"cs", "ces"},  {"cy", "cym"},  {"da", "dan"},  {"de", "deu"},  {"dz", "dzo"},  {"ee", "ewe"},
    {"el", "ell"},  {"en", "eng"},  {"eo", "epo"},  {"es", "spa"},  {"et", "est"},  {"eu", "eus"},
    {"fa", "pes"},  {"fas", "pes"}, {"ff", "fuv"},  {"fi", "fin"},  {"fil", "tgl"}, {"fj", "fij"},
    {"fo", "fao"},  {"fr", "fra"},  {"ful", "fuv"}, {"fy", "fry"},  {"ga", "gle"},  {"gd", "gla"},
    {"gl", "glg"},  {"gn", "grn"},  {"gu", "guj"},  {"ha", "hau"},  {"he", "heb"},  {"hi", "hin"},
    {"hr", "hrv"},  {"ht", "hat"},  {"hu", "hun"},  {"hy", "hye"},  {"id", "ind"},  {"ig", "ibo"},
    {"in", "ind"},  {"is", "isl"},  {"it", "ita"},  {"iw", "heb"},  {"ja", "jpn"},  {"ji", "ydd"},
    {"jv", "jav"},  {"jw", "jav"},  {"ka", "kat"},  {"kg", "kon"},  {"ki", "kik"},  {"kk", "kaz"},
    {"km", "khm"},  {"kn", "kan"},  {"ko", "kor"},  {"ks", "kas"},  {"ku", "kmr"},  {"kur", "kmr"},
    {"ky", "kir"},  {"lav", "lvs"}, {"lb", "ltz"},  {"lg", "lug"},  {"li", "lim"},  {"ln", "lin"},
    {"lo", "lao"},  {"lt", "lit"},  {"lv", "lvs"},  {"mg", "plt"},  {"mi", "mri"},  {"mk", "mkd"},
    {"ml", "mal"},  {"mlg", "plt"}, {"mn", "khk"},  {"mon", "khk"}, {"mr", "mar"},  {"ms", "zsm"},
    {"msa", "zsm"}, {"mt", "mlt"},  {"my", "mya"},  {"nb", "nob"},  {"ne", "npi"},  {"nep", "npi"},
    {"nl", "nld"},  {"nn", "nno"},  {"no", "nob"},  {"nor", "nob"}, {"ns", "nso"},  {"ny", "nya"},
    {"oc", "oci"},  {"om", "gaz"},  {"or", "ory"},  {"ori", "ory"}, {"pa", "pan"},  {"pl", "pol"},
    {"ps", "pbt"},  {"pt", "por"},  {"pus", "pbt"}, {"qu", "quy"},  {"rn", "run"},  {"ro", "ron"},
    {"ru", "rus"},  {"rw", "kin"},  {"sa", "san"},  {"sc", "srd"},  {"sd", "snd"},  {"sg", "sag"},
    {"si", "sin"},  {"sk", "slk"},  {"sl", "slv"},  {"sm", "smo"},  {"sn", "sna"},  {"so", "som"},
    {"sq", "als"},  {"sqi", "als"}, {"sr", "srp"},  {"ss", "ssw"},  {"st", "sot"},  {"su", "sun"},
    {"sv", "swe"},  {"sw", "swh"},  {"swa", "swh"}, {"ta", "tam"},  {"te", "tel"},  {"tg", "tgk"},
    {"th", "tha"},  {"ti", "tir"},  {"tk", "tuk"},  {"tl", "tgl"},  {"tn", "tsn"},  {"tr", "tur"},
    {"ts", "tso"},  {"tt", "tat"},  {"tw", "twi"},  {"ug", "uig"},  {"uk", "ukr"},  {"ur", "urd"},
    {"uz", "uzn"},  {"uzb", "uzn"}, {"vi", "vie"},  {"wo", "wol"},  {"xh", "xho"},  {"yi", "ydd"},
    {"yid", "ydd"}, {"yo", "yor"},  {"zh", "zho"},  {"zu", "zul"}};

constexpr bool by_name(const Alias& a, const Alias& b) {
  return a.name < b.name;
}
static_assert(std::is_sorted(std::begin(kAliases), std::end(kAliases), by_name));

std::string_view canonical_language(std::string_view name) {
  const auto alias =
      std::lower_bound(std::begin(kAliases), std::end(kAliases), Alias{name, {}}, by_name);
  return alias != std::end(kAliases) && alias->name == name ? alias->language : name;
}

// In lower case, with '_' for '-'.
std::string folded(std::string_view code) {
  std::string out(code);
  for (char& c : out) c = c == '-' ? '_' : c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

}  // namespace

Languages::Tag Languages::parse(std::string_view code) {
  const std::string text = folded(code);
  Tag tag;
  std::string_view rest = text;
  for (bool first = true; !rest.empty(); first = false) {
    const std::size_t length = std::min(rest.find('_'), rest.size());
    const std::string_view part = rest.substr(0, length);
    rest.remove_prefix(std::min(length + 1, rest.size()));
    if (first) {
      tag.language = canonical_language(part);
    } else if (part.size() == 4) {
      tag.script = part;
    } else if (part.size() != 2) {
      return {};                // not a form that any of the families has
    } else if (part != "xx") {  // XX: mBART's "no region in particular"
      tag.region = part;
    }
  }
  if (tag.language == "zho" && tag.script.empty() && !tag.region.empty())
    tag.script = tag.region == "tw" || tag.region == "hk" || tag.region == "mo" ? "hant" : "hans";
  return tag;
}

int Languages::agreement(const Tag& wanted, const Tag& code) noexcept {
  if (wanted.language.empty() || wanted.language != code.language) return -1;
  const bool other_script =
      !wanted.script.empty() && !code.script.empty() && wanted.script != code.script;
  if (other_script) return -1;
  return (!wanted.script.empty() && wanted.script == code.script ? 2 : 0) +
         (!wanted.region.empty() && wanted.region == code.region ? 1 : 0);
}

void Languages::add(std::string code, TokenId id) {
  tags_.push_back(parse(code));
  codes_.push_back(std::move(code));
  ids_.push_back(id);
}

TokenId Languages::find(std::string_view wanted, std::string_view what) const {
  const std::string spelling = folded(wanted);
  for (std::size_t i = 0; i < codes_.size(); ++i)
    if (folded(codes_[i]) == spelling) return ids_[i];
  const Tag tag = parse(wanted);
  int best = -1;
  TokenId id = -1;
  for (std::size_t i = 0; i < codes_.size(); ++i) {
    const int score = agreement(tag, tags_[i]);
    if (score <= best) continue;
    best = score;
    id = ids_[i];
  }
  if (id >= 0) return id;
  throw Error(ErrorCode::invalid_argument,
              std::string(what) + " " + quote(wanted) + " is not one of the model's",
              language_hint(wanted, codes_));
}

}  // namespace tandem
