// Source: the code tables of ISO 639-3 (SIL International), which hold the codes of ISO 639-1 and
// the bibliographic ones of ISO 639-2; codes that ISO has withdrawn (iw, in, ji, jw, mo) as the
// IANA registry of subtags replaces them.
#include "text/iso_639.h"

#include <algorithm>
#include <iterator>
#include <span>

namespace tandem {
namespace {

struct Entry {
  std::string_view name, language;
};

constexpr bool by_name(const Entry& a, const Entry& b) {
  return a.name < b.name;
}

// ISO 639-1 to 639-3.
constexpr Entry kTwoLetters[] = {
    {"aa", "aar"}, {"ab", "abk"}, {"ae", "ave"}, {"af", "afr"}, {"ak", "aka"}, {"am", "amh"},
    {"an", "arg"}, {"ar", "ara"}, {"as", "asm"}, {"av", "ava"}, {"ay", "aym"}, {"az", "aze"},
    {"ba", "bak"}, {"be", "bel"}, {"bg", "bul"}, {"bi", "bis"}, {"bm", "bam"}, {"bn", "ben"},
    {"bo", "bod"}, {"br", "bre"}, {"bs", "bos"}, {"ca", "cat"}, {"ce", "che"}, {"ch", "cha"},
    {"co", "cos"}, {"cr", "cre"}, {"cs", "ces"}, {"cu", "chu"}, {"cv", "chv"}, {"cy", "cym"},
    {"da", "dan"}, {"de", "deu"}, {"dv", "div"}, {"dz", "dzo"}, {"ee", "ewe"}, {"el", "ell"},
    {"en", "eng"}, {"eo", "epo"}, {"es", "spa"}, {"et", "est"}, {"eu", "eus"}, {"fa", "fas"},
    {"ff", "ful"}, {"fi", "fin"}, {"fj", "fij"}, {"fo", "fao"}, {"fr", "fra"}, {"fy", "fry"},
    {"ga", "gle"}, {"gd", "gla"}, {"gl", "glg"}, {"gn", "grn"}, {"gu", "guj"}, {"gv", "glv"},
    {"ha", "hau"}, {"he", "heb"}, {"hi", "hin"}, {"ho", "hmo"}, {"hr", "hrv"}, {"ht", "hat"},
    {"hu", "hun"}, {"hy", "hye"}, {"hz", "her"}, {"ia", "ina"}, {"id", "ind"}, {"ie", "ile"},
    {"ig", "ibo"}, {"ii", "iii"}, {"ik", "ipk"}, {"in", "ind"}, {"io", "ido"}, {"is", "isl"},
    {"it", "ita"}, {"iu", "iku"}, {"iw", "heb"}, {"ja", "jpn"}, {"ji", "yid"}, {"jv", "jav"},
    {"jw", "jav"}, {"ka", "kat"}, {"kg", "kon"}, {"ki", "kik"}, {"kj", "kua"}, {"kk", "kaz"},
    {"kl", "kal"}, {"km", "khm"}, {"kn", "kan"}, {"ko", "kor"}, {"kr", "kau"}, {"ks", "kas"},
    {"ku", "kur"}, {"kv", "kom"}, {"kw", "cor"}, {"ky", "kir"}, {"la", "lat"}, {"lb", "ltz"},
    {"lg", "lug"}, {"li", "lim"}, {"ln", "lin"}, {"lo", "lao"}, {"lt", "lit"}, {"lu", "lub"},
    {"lv", "lav"}, {"mg", "mlg"}, {"mh", "mah"}, {"mi", "mri"}, {"mk", "mkd"}, {"ml", "mal"},
    {"mn", "mon"}, {"mo", "ron"}, {"mr", "mar"}, {"ms", "msa"}, {"mt", "mlt"}, {"my", "mya"},
    {"na", "nau"}, {"nb", "nob"}, {"nd", "nde"}, {"ne", "nep"}, {"ng", "ndo"}, {"nl", "nld"},
    {"nn", "nno"}, {"no", "nor"}, {"nr", "nbl"}, {"nv", "nav"}, {"ny", "nya"}, {"oc", "oci"},
    {"oj", "oji"}, {"om", "orm"}, {"or", "ori"}, {"os", "oss"}, {"pa", "pan"}, {"pi", "pli"},
    {"pl", "pol"}, {"ps", "pus"}, {"pt", "por"}, {"qu", "que"}, {"rm", "roh"}, {"rn", "run"},
    {"ro", "ron"}, {"ru", "rus"}, {"rw", "kin"}, {"sa", "san"}, {"sc", "srd"}, {"sd", "snd"},
    {"se", "sme"}, {"sg", "sag"}, {"sh", "hbs"}, {"si", "sin"}, {"sk", "slk"}, {"sl", "slv"},
    {"sm", "smo"}, {"sn", "sna"}, {"so", "som"}, {"sq", "sqi"}, {"sr", "srp"}, {"ss", "ssw"},
    {"st", "sot"}, {"su", "sun"}, {"sv", "swe"}, {"sw", "swa"}, {"ta", "tam"}, {"te", "tel"},
    {"tg", "tgk"}, {"th", "tha"}, {"ti", "tir"}, {"tk", "tuk"}, {"tl", "tgl"}, {"tn", "tsn"},
    {"to", "ton"}, {"tr", "tur"}, {"ts", "tso"}, {"tt", "tat"}, {"tw", "twi"}, {"ty", "tah"},
    {"ug", "uig"}, {"uk", "ukr"}, {"ur", "urd"}, {"uz", "uzb"}, {"ve", "ven"}, {"vi", "vie"},
    {"vo", "vol"}, {"wa", "wln"}, {"wo", "wol"}, {"xh", "xho"}, {"yi", "yid"}, {"yo", "yor"},
    {"za", "zha"}, {"zh", "zho"}, {"zu", "zul"}};
static_assert(std::is_sorted(std::begin(kTwoLetters), std::end(kTwoLetters), by_name));

// ISO 639-2/B, where it differs, to 639-3.
constexpr Entry kBibliographic[] = {{"alb", "sqi"}, {"arm", "hye"}, {"baq", "eus"}, {"bur", "mya"},
                                    {"chi", "zho"}, {"cze", "ces"}, {"dut", "nld"}, {"fre", "fra"},
                                    {"geo", "kat"}, {"ger", "deu"}, {"gre", "ell"}, {"ice", "isl"},
                                    {"mac", "mkd"}, {"mao", "mri"}, {"may", "msa"}, {"per", "fas"},
                                    {"rum", "ron"}, {"slo", "slk"}, {"tib", "bod"}, {"wel", "cym"}};
static_assert(std::is_sorted(std::begin(kBibliographic), std::end(kBibliographic), by_name));

// Macrolanguages to the member that models mean; for Chinese and Estonian models name the whole.
// "ns" is M2M100's own name of Northern Sotho.
constexpr Entry kMeant[] = {
    {"ara", "arb"}, {"aym", "ayr"}, {"aze", "azj"}, {"cmn", "zho"}, {"ekk", "est"},
    {"fas", "pes"}, {"fil", "tgl"}, {"ful", "fuv"}, {"kau", "knc"}, {"kur", "kmr"},
    {"lav", "lvs"}, {"mlg", "plt"}, {"mon", "khk"}, {"msa", "zsm"}, {"nep", "npi"},
    {"nor", "nob"}, {"ns", "nso"},  {"ori", "ory"}, {"orm", "gaz"}, {"pus", "pbt"},
    {"que", "quy"}, {"sqi", "als"}, {"swa", "swh"}, {"uzb", "uzn"}, {"yid", "ydd"}};
static_assert(std::is_sorted(std::begin(kMeant), std::end(kMeant), by_name));

std::string_view look_up(std::span<const Entry> table, std::string_view name) {
  const auto entry = std::lower_bound(table.begin(), table.end(), Entry{name, {}}, by_name);
  return entry != table.end() && entry->name == name ? entry->language : name;
}

}  // namespace

std::string_view model_language(std::string_view code) {
  return look_up(kMeant, look_up(kBibliographic, look_up(kTwoLetters, code)));
}

}  // namespace tandem
