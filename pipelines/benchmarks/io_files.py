"""Large files for ``dqm benchmark io``, written by real ROOT, and ROOT's own loops over them; needs the package ROOT.

Run as a program in an interpreter that has ROOT: ``write FOLDER LUMISECTIONS ELEMENTS``, ``read KIND FILE REPEATS`` or
``night FILE FIRST_RUN RUNS LUMISECTIONS ELEMENTS EVERY`` (every so many runs a second quarter with dead regions).
"""

from __future__ import annotations

import json
import runpy
import sys
import time
from pathlib import Path

BINS = 100
COMPRESSIONS = {"zlib": 101, "lz4": 404}
LEGACY_RUNS, LEGACY_KEYS = 10, 1000
CODE = r"""
#include "TFile.h"
#include "TTree.h"
#include "TH1F.h"
#include "TKey.h"
#include "TRandom3.h"
#include <string>
#include <vector>
TH1F* shape(int k, TRandom3& random) {
  std::string name = "charge_PXLayer_" + std::to_string(k);
  return new TH1F(name.c_str(), "Cluster charge;charge (e);clusters", 100, -0.1 * k, 10 + k);
}
void refill(TH1F* h, int k, TRandom3& random) {
  float* a = h->GetArray();
  double mean = 20 + (k * 37) % 60, width = 5 + k % 20, sum = 0;
  for (int j = 0; j < 102; j++) {
    double z = (j - mean) / width;
    sum += a[j] = random.Poisson(100 * exp(-0.5 * z * z));
  }
  h->SetEntries(sum);
}
void write_dqmio(const char* file, long lumisections, int elements, int compression) {
  TFile f(file, "RECREATE", "simulated"); f.SetCompressionSettings(compression); TH1::AddDirectory(false);
  TTree index("Indices", "Indices"); UInt_t run = 900001, lumi, history = 0, type = 3;
  ULong64_t t0 = 0, t1 = 0, first, last;
  index.Branch("Run", &run); index.Branch("Lumi", &lumi); index.Branch("ProcessHistoryIndex", &history);
  index.Branch("BeginTime", &t0); index.Branch("EndTime", &t1); index.Branch("Type", &type);
  index.Branch("FirstIndex", &first); index.Branch("LastIndex", &last);
  TTree tree("TH1Fs", "TH1Fs"); std::string name; std::string* pname = &name; UInt_t flags = 0;
  TRandom3 random(1); std::vector<TH1F*> all; for (int k = 0; k < elements; k++) all.push_back(shape(k, random));
  TH1F* h = all[0];
  tree.Branch("FullName", &pname); tree.Branch("Flags", &flags); tree.Branch("Value", &h, 128 * 1024, 0);
  for (long l = 0; l < lumisections; l++) {
    first = l * elements; last = first + elements - 1; lumi = l + 1;
    for (int k = 0; k < elements; k++) {
      h = all[k]; refill(h, k, random); name = std::string("PixelPhase1/PXBarrel/") + h->GetName(); tree.Fill();
    }
    index.Fill();
  }
  f.Write(); f.Close();
}
void write_night(const char* file, int first_run, int runs, int lumisections, int elements, int every) {
  TFile f(file, "RECREATE", "simulated"); f.SetCompressionSettings(101); TH1::AddDirectory(false);
  TTree index("Indices", "Indices"); UInt_t run, lumi, history = 0, type = 3;
  ULong64_t t0 = 0, t1 = 0, first, last, at = 0;
  index.Branch("Run", &run); index.Branch("Lumi", &lumi); index.Branch("ProcessHistoryIndex", &history);
  index.Branch("BeginTime", &t0); index.Branch("EndTime", &t1); index.Branch("Type", &type);
  index.Branch("FirstIndex", &first); index.Branch("LastIndex", &last);
  TTree tree("TH1Fs", "TH1Fs"); std::string name; std::string* pname = &name; UInt_t flags = 0;
  TRandom3 random(first_run); std::vector<TH1F*> all;
  for (int k = 0; k < elements; k++) all.push_back(shape(k, random));
  TH1F* h = all[0];
  tree.Branch("FullName", &pname); tree.Branch("Flags", &flags); tree.Branch("Value", &h, 128 * 1024, 0);
  for (int r = 0; r < runs; r++) for (int l = 0; l < lumisections; l++) {
    run = first_run + r; lumi = l + 1; first = at; last = at + elements - 1; at += elements;
    bool bad = r % every == 0 && l >= lumisections / 4 && l < lumisections / 2;
    for (int k = 0; k < elements; k++) {
      h = all[k]; refill(h, k, random);
      if (bad && k % 25 == 0) for (int j = 20; j < 60; j++) h->GetArray()[j] = 0;
      name = std::string("Sub") + std::to_string(k % 6) + "/Barrel/" + h->GetName(); tree.Fill();
    }
    index.Fill();
  }
  f.Write(); f.Close();
}
void write_legacy(const char* file, int runs, int keys) {
  TFile f(file, "RECREATE", "simulated"); f.SetCompressionSettings(101); TH1::AddDirectory(false); TRandom3 random(2);
  auto top = f.mkdir("DQMData");
  for (int r = 0; r < runs; r++) {
    auto d = top->mkdir(("Run " + std::to_string(900001 + r)).c_str())->mkdir("PixelPhase1")->mkdir("Run summary");
    for (int k = 0; k < keys; k++) { auto h = shape(k, random); refill(h, k, random); d->WriteTObject(h); delete h; }
  }
  f.Close();
}
double read_dqmio(const char* file) {
  TFile f(file); auto t = (TTree*)f.Get("TH1Fs"); TH1F* h = nullptr; std::string* n = nullptr; double s = 0;
  t->SetBranchAddress("Value", &h); t->SetBranchAddress("FullName", &n);
  for (Long64_t i = 0; i < t->GetEntries(); i++) { t->GetEntry(i); s += h->GetArray()[50]; }
  return s;
}
double read_folder(TDirectory* folder) {
  double s = 0;
  for (auto each : *folder->GetListOfKeys()) {
    auto key = (TKey*)each; auto object = key->ReadObj();
    if (auto below = dynamic_cast<TDirectory*>(object)) s += read_folder(below);
    else if (auto h = dynamic_cast<TH1F*>(object)) { s += h->GetArray()[50]; delete h; }
  }
  return s;
}
double read_legacy(const char* file) { TFile f(file); return read_folder(&f); }
"""


def main(arguments: list[str]) -> None:
    """Write the files, or time ROOT's loop and print seconds and peak memory as JSON."""
    import ROOT

    ROOT.gInterpreter.Declare(CODE)
    if arguments[0] == "write":
        folder, lumisections, elements = Path(arguments[1]), int(arguments[2]), int(arguments[3])
        for name, compression in COMPRESSIONS.items():
            ROOT.write_dqmio(str(folder / f"dqmio-{name}.root"), lumisections, elements, compression)
        ROOT.write_legacy(str(folder / "legacy.root"), LEGACY_RUNS, LEGACY_KEYS)
        return
    if arguments[0] == "night":
        ROOT.write_night(arguments[1], *map(int, arguments[2:]))
        return
    kind, file, repeats = arguments[1], arguments[2], int(arguments[3])
    read = ROOT.read_legacy if kind == "legacy" else ROOT.read_dqmio
    seconds = []
    for _ in range(repeats):
        begun = time.perf_counter()
        read(file)
        seconds.append(time.perf_counter() - begun)
    peak_mib = runpy.run_path(str(Path(__file__).with_name("memory.py")))["peak_mib"]
    print(json.dumps({"seconds": seconds, "peak_mib": peak_mib()}))


if __name__ == "__main__":
    main(sys.argv[1:])
