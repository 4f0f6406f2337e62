#include "text/abbreviations.h"

#include <algorithm>
#include <array>

namespace tandem {
namespace {

using namespace std::string_view_literals;

constexpr std::array kEnglish{
    "Adm"sv,    "Asst"sv, "Ave"sv, "Blvd"sv, "Brig"sv,   "Bros"sv, "Capt"sv, "Cmdr"sv, "Col"sv,
    "Cpl"sv,    "Det"sv,  "Dr"sv,  "Drs"sv,  "Fr"sv,     "Ft"sv,   "Gen"sv,  "Gov"sv,  "Hon"sv,
    "Insp"sv,   "Jr"sv,   "Lt"sv,  "Maj"sv,  "Messrs"sv, "Mlle"sv, "Mme"sv,  "Mr"sv,   "Mrs"sv,
    "Ms"sv,     "Mt"sv,   "Mx"sv,  "Ph"sv,   "Pres"sv,   "Prof"sv, "Pvt"sv,  "Rd"sv,   "Rep"sv,
    "Reps"sv,   "Rev"sv,  "Sen"sv, "Sens"sv, "Sgt"sv,    "Sr"sv,   "St"sv,   "Supt"sv, "al"sv,
    "approx"sv, "ca"sv,   "cf"sv,  "e.g"sv,  "i.e"sv,    "viz"sv,  "vs"sv};
constexpr std::array kEnglishNumeric{
    "Apr"sv, "Art"sv, "Aug"sv,  "Ch"sv,  "Dec"sv, "Eq"sv,  "Feb"sv, "Fig"sv, "Figs"sv,
    "Jan"sv, "Jul"sv, "Jun"sv,  "Mar"sv, "No"sv,  "Nos"sv, "Nov"sv, "Nr"sv,  "Oct"sv,
    "Sec"sv, "Sep"sv, "Sept"sv, "Vol"sv, "art"sv, "ch"sv,  "eq"sv,  "fig"sv, "figs"sv,
    "no"sv,  "nos"sv, "p"sv,    "par"sv, "pp"sv,  "sec"sv, "vol"sv};

constexpr std::array kGerman{
    "Abt"sv,  "Aufl"sv, "Dipl"sv, "Dr"sv,   "Fa"sv,   "Fr"sv,    "Frl"sv,  "Gebr"sv, "Hbf"sv,
    "Hr"sv,   "Hrn"sv,  "Hrsg"sv, "Ing"sv,  "Mag"sv,  "Med"sv,   "Mio"sv,  "Mrd"sv,  "Phil"sv,
    "Prof"sv, "St"sv,   "Str"sv,  "Tel"sv,  "Univ"sv, "abzgl"sv, "allg"sv, "bspw"sv, "bzw"sv,
    "ca"sv,   "d"sv,    "dgl"sv,  "ehem"sv, "evtl"sv, "exkl"sv,  "geb"sv,  "gen"sv,  "gest"sv,
    "ggf"sv,  "i"sv,    "inkl"sv, "insb"sv, "max"sv,  "med"sv,   "min"sv,  "o"sv,    "phil"sv,
    "sog"sv,  "u"sv,    "usf"sv,  "vgl"sv,  "vs"sv,   "z"sv,     "zzgl"sv};
constexpr std::array kGermanNumeric{"Abb"sv, "Abs"sv,   "Anm"sv, "Art"sv, "Bd"sv,
                                    "Fn"sv,  "Jh"sv,    "Kap"sv, "Nr"sv,  "Nrn"sv,
                                    "S"sv,   "Seite"sv, "Tab"sv, "Ziff"sv};

constexpr std::array kFrench{"Cie"sv, "Dr"sv,   "Drs"sv,    "M"sv,     "MM"sv,   "Me"sv,
                             "Mes"sv, "Mgr"sv,  "Mlle"sv,   "Mlles"sv, "Mme"sv,  "Mmes"sv,
                             "Pr"sv,  "St"sv,   "Ste"sv,    "Sté"sv,   "apr"sv,  "av"sv,
                             "bd"sv,  "boul"sv, "c.-à-d"sv, "cf"sv,    "coll"sv, "dép"sv,
                             "env"sv, "ex"sv,   "hab"sv,    "réf"sv,   "tél"sv,  "éd"sv};
constexpr std::array kFrenchNumeric{"al"sv,  "art"sv, "chap"sv, "fig"sv, "n"sv,   "no"sv,
                                    "nos"sv, "p"sv,   "pp"sv,   "t"sv,   "vol"sv, "§"sv};

constexpr std::array kSpanish{
    "Arq"sv,   "Av"sv,   "Avda"sv, "Cap"sv,  "Cnel"sv, "Ctra"sv, "D"sv,     "Da"sv,
    "Dpto"sv,  "Dr"sv,   "Dra"sv,  "Dres"sv, "Dña"sv,  "EE"sv,   "Excma"sv, "Excmo"sv,
    "Gral"sv,  "Ilma"sv, "Ilmo"sv, "Ing"sv,  "Lic"sv,  "Mons"sv, "Pdte"sv,  "Prof"sv,
    "Profa"sv, "Pza"sv,  "Sgto"sv, "Sr"sv,   "Sra"sv,  "Sras"sv, "Sres"sv,  "Srta"sv,
    "Sta"sv,   "Sto"sv,  "Tte"sv,  "Ud"sv,   "Uds"sv,  "Vd"sv,   "Vds"sv,   "aprox"sv,
    "cf"sv,    "ej"sv,   "máx"sv,  "mín"sv,  "tel"sv,  "vs"sv};
constexpr std::array kSpanishNumeric{"No"sv, "Nº"sv,  "art"sv,  "arts"sv, "cap"sv, "caps"sv,
                                     "ed"sv, "fig"sv, "figs"sv, "nro"sv,  "núm"sv, "núms"sv,
                                     "p"sv,  "pp"sv,  "pág"sv,  "págs"sv, "vol"sv, "vols"sv};

constexpr std::array kPortuguese{
    "Arq"sv,   "Av"sv,   "Cap"sv,  "Cel"sv,  "D"sv,    "Dom"sv,   "Dr"sv,   "Dra"sv,
    "Dras"sv,  "Drs"sv,  "Eng"sv,  "Enga"sv, "Est"sv,  "Exma"sv,  "Exmo"sv, "Gen"sv,
    "Ilma"sv,  "Ilmo"sv, "Ltda"sv, "Pe"sv,   "Prof"sv, "Profa"sv, "Pça"sv,  "Rev"sv,
    "Rod"sv,   "Sgt"sv,  "Sr"sv,   "Sra"sv,  "Sras"sv, "Srs"sv,   "Srta"sv, "Ten"sv,
    "aprox"sv, "cf"sv,   "ex"sv,   "máx"sv,  "mín"sv,  "obs"sv,   "tel"sv,  "vs"sv};
constexpr std::array kPortugueseNumeric{"art"sv,  "arts"sv, "cap"sv, "caps"sv, "ed"sv,  "fig"sv,
                                        "figs"sv, "no"sv,   "nº"sv,  "núm"sv,  "p"sv,   "pp"sv,
                                        "pág"sv,  "págs"sv, "séc"sv, "vol"sv,  "vols"sv};

constexpr Abbreviations kEnglishAbbreviations{kEnglish, kEnglishNumeric, /*ordinals=*/false};
constexpr Abbreviations kGermanAbbreviations{kGerman, kGermanNumeric, /*ordinals=*/true};
constexpr Abbreviations kFrenchAbbreviations{kFrench, kFrenchNumeric, /*ordinals=*/false};
constexpr Abbreviations kSpanishAbbreviations{kSpanish, kSpanishNumeric, /*ordinals=*/false};
constexpr Abbreviations kPortugueseAbbreviations{kPortuguese, kPortugueseNumeric,
                                                 /*ordinals=*/false};

static_assert(std::is_sorted(kEnglish.begin(), kEnglish.end()) &&
              std::is_sorted(kEnglishNumeric.begin(), kEnglishNumeric.end()) &&
              std::is_sorted(kGerman.begin(), kGerman.end()) &&
              std::is_sorted(kGermanNumeric.begin(), kGermanNumeric.end()) &&
              std::is_sorted(kFrench.begin(), kFrench.end()) &&
              std::is_sorted(kFrenchNumeric.begin(), kFrenchNumeric.end()) &&
              std::is_sorted(kSpanish.begin(), kSpanish.end()) &&
              std::is_sorted(kSpanishNumeric.begin(), kSpanishNumeric.end()) &&
              std::is_sorted(kPortuguese.begin(), kPortuguese.end()) &&
              std::is_sorted(kPortugueseNumeric.begin(), kPortugueseNumeric.end()));

struct Language {
  std::string_view two, three, bibliographic;  // ISO 639-1, 639-2/T, 639-2/B
  const Abbreviations* abbreviations;
};

constexpr std::array kLanguages{
    Language{"en", "eng", "eng", &kEnglishAbbreviations},
    Language{"de", "deu", "ger", &kGermanAbbreviations},
    Language{"fr", "fra", "fre", &kFrenchAbbreviations},
    Language{"es", "spa", "spa", &kSpanishAbbreviations},
    Language{"pt", "por", "por", &kPortugueseAbbreviations},
};

}  // namespace

bool Abbreviations::is_always(std::string_view word) const noexcept {
  return std::binary_search(always.begin(), always.end(), word);
}

bool Abbreviations::is_before_numbers(std::string_view word) const noexcept {
  return std::binary_search(before_numbers.begin(), before_numbers.end(), word);
}

const Abbreviations& abbreviations_of(std::string_view language) noexcept {
  const std::string_view code = language.substr(0, language.find_first_of("-_"));
  for (const Language& known : kLanguages)
    if (code == known.two || code == known.three || code == known.bibliographic)
      return *known.abbreviations;
  return kEnglishAbbreviations;
}

}  // namespace tandem
