// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The weir authors

// bench/shim.cc: Google Benchmark behind a C face: each timed run is one of its
// benchmarks, with one iteration and the time given by hand; its JSON collects them.

#include "driver.h"

#include <benchmark/benchmark.h>

#include <fstream>
#include <sstream>
#include <string>

namespace
{

// One document for many rounds: the heading once, the end when asked for.
class collector : public benchmark::JSONReporter
{
  public:
    collector()
    {
        SetOutputStream(&text);
        SetErrorStream(&text);
    }

    bool ReportContext(const Context &context) override
    {
        if (begun)
            return true;
        begun = true;
        return JSONReporter::ReportContext(context);
    }

    void Finalize() override
    {
    }

    std::string finish()
    {
        JSONReporter::Finalize();
        return text.str();
    }

  private:
    std::ostringstream text;
    bool begun = false;
};

collector *reporter;

void run_one(benchmark::State &state, unsigned which, void (*run)(unsigned, bench_run *))
{
    const bench_row *row = bench_rows[bench_cases[which].row];
    bench_run result;

    for (auto _ : state) {
        (void)_;
        run(which, &result);
        state.SetIterationTime(result.window);
        if (result.why[0] != '\0') {
            state.SkipWithError(result.why);
            break;
        }
    }
    for (int i = 0; i < BENCH_VALUES && (i == 0 || row->columns[i] != nullptr); i++)
        state.counters[row->columns[i] != nullptr ? row->columns[i] : "value"] = result.value[i];
    state.counters["round_trip_before_ns"] = result.before_ns;
    state.counters["round_trip_after_ns"] = result.after_ns;
    state.counters["others_share"] = result.others;
    state.SetLabel(bench_place_names[bench_where(&result, row)]);
}

} // namespace

void bench_gb_start(const char *program)
{
    static std::string name(program);
    char *arguments[] = {&name[0], nullptr};
    int count = 1;

    benchmark::Initialize(&count, arguments);
    reporter = new collector;
}

void bench_gb_context(const char *name, const char *text)
{
    benchmark::AddCustomContext(name, text);
}

void bench_gb_round(const unsigned *cases, unsigned count, void (*run)(unsigned, bench_run *))
{
    benchmark::ClearRegisteredBenchmarks();
    for (unsigned i = 0; i < count; i++) {
        const unsigned which = cases[i];
        const std::string name = std::string(bench_rows[bench_cases[which].row]->name) + "/" +
                                 bench_cases[which].peer->label;

        benchmark::RegisterBenchmark(
            name.c_str(), [which, run](benchmark::State &state) { run_one(state, which, run); })
            ->Iterations(1)
            ->UseManualTime()
            ->Unit(benchmark::kMillisecond);
    }
    benchmark::RunSpecifiedBenchmarks(reporter);
}

int bench_gb_write(const char *path, const char *summary)
{
    std::string text = reporter->finish();
    const std::size_t end = text.rfind('}');
    std::ofstream file(path);

    text.erase(end);
    file << text << ",\n\"weir_summary\": " << summary << "}\n";
    file.close();
    return file.fail() ? -1 : 0;
}
