// Draws the sections of a page from the data in it.
'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const colours = ['#2b6cb0', '#d9534f', '#d98e04', '#4c9f70', '#8367b8', '#3aa6b9', '#9aa5b1', '#c2679e'];
  const ink = '#1d2733', soft = '#5c6b7a', line = '#dde3e9';
  Chart.defaults.animation = false;
  Chart.defaults.font.family = 'system-ui, "DejaVu Sans", sans-serif';
  Chart.defaults.color = ink;

  const add = (parent, tag, text) => {
    const element = parent.appendChild(document.createElement(tag));
    if (text !== undefined)
      element.textContent = text;
    return element;
  };
  const section = (name) => document.getElementById(name);
  const short = (number) => number.toLocaleString('en', {maximumSignificantDigits: 4});

  // A chart in a box of its own, as Chart.js wants it.
  const chart = (parent, height, config) => {
    const box = add(parent, 'div');
    box.className = 'chart';
    box.style.height = height + 'px';
    return new Chart(add(box, 'canvas'), config);
  };

  const bars = (parent, names, datasets, unit) => chart(parent, 70 + 20 * names.length, {
    type: 'bar',
    data: {labels: names, datasets},
    options: {
      indexAxis: 'y',
      maintainAspectRatio: false,
      scales: {
        x: {
          stacked: true,
          title: {display: unit !== '', text: unit},
          ticks: {maxRotation: 0, autoSkipPadding: 12}
        },
        y: {stacked: true, grid: {display: false}, ticks: {autoSkip: false}}
      },
      plugins: {legend: {display: datasets.length > 1, position: 'top', labels: {boxWidth: 14}}}
    }
  });

  // From a power of ten to a power of ten, three apart or more, with a tick at each.
  const log_axis = (numbers, unit) => {
    const logs = numbers.filter((number) => number > 0).map(Math.log10);
    const last = Math.ceil(Math.max(...logs));
    const first = Math.min(Math.ceil(Math.min(...logs)) - 1, last - 3);
    const is_power = (number) => Math.abs(Math.log10(number) - Math.round(Math.log10(number))) < 1e-9;
    return {
      type: 'logarithmic',
      min: 10 ** first,
      max: 10 ** last,
      title: {display: true, text: unit},
      ticks: {autoSkip: false, maxRotation: 0, callback: (tick) => is_power(tick) ? short(tick) : ''},
      grid: {color: ({tick}) => tick && is_power(tick.value) ? line : 'transparent'}
    };
  };

  // Writes a text behind each bar.
  const behind_bars = (texts) => ({
    id: 'behind_bars',
    afterDatasetsDraw(drawn) {
      const ctx = drawn.ctx;
      ctx.save();
      ctx.font = '11px "DejaVu Sans", sans-serif';
      ctx.fillStyle = soft;
      ctx.textBaseline = 'middle';
      drawn.getDatasetMeta(0).data.forEach((bar, i) => {
        const end = Number.isFinite(bar.x) ? bar.x : drawn.chartArea.left;
        ctx.fillText(texts[i], end + 6, bar.y);
      });
      ctx.restore();
    }
  });

  // Side by side, as the parts of a stack don't add up on a log axis.
  const log_bars = (parent, names, all, unit, texts) => {
    const datasets = all.filter((set) => set.data.some((number) => number > 0));
    const numbers = datasets.flatMap((set) => set.data);
    if (datasets.length === 0)
      return;
    chart(parent, 80 + names.length * (8 + 14 * datasets.length), {
      type: 'bar',
      data: {labels: names, datasets},
      options: {
        indexAxis: 'y',
        maintainAspectRatio: false,
        layout: {padding: {right: texts ? 250 : 20}},
        scales: {x: log_axis(numbers, unit), y: {grid: {display: false}, ticks: {autoSkip: false}}},
        plugins: {legend: {display: all.length > 1, position: 'top', labels: {boxWidth: 14}}}
      },
      plugins: texts ? [behind_bars(texts)] : []
    });
  };

  // A sharp canvas of this size in CSS pixels.
  const canvas = (parent, width, height) => {
    const element = add(parent, 'canvas');
    const ratio = window.devicePixelRatio || 1;
    element.width = Math.round(width * ratio);
    element.height = Math.round(height * ratio);
    element.style.width = width + 'px';
    element.style.height = height + 'px';
    const pen = element.getContext('2d');
    pen.scale(ratio, ratio);
    pen.font = '11px "DejaVu Sans", sans-serif';
    pen.textBaseline = 'middle';
    return {element, pen};
  };

  // What the mouse points at, as a title.
  const tell = (element, words) => element.addEventListener('mousemove', (event) => {
    element.title = words(event.offsetX, event.offsetY) || '';
  });

  const draw = {
    comparison(parent, all) {
      const side = add(parent, 'div');
      side.className = 'side';
      for (const one of all) {
        const figure = add(side, 'figure');
        add(figure, 'figcaption', one.heading);
        bars(figure, one.names, [{label: one.heading, data: one.numbers, backgroundColor: colours[0]}], '');
      }
    },

    over_steps(parent, columns) {
      const names = [...new Set(columns.model)];
      const side = add(parent, 'div');
      side.className = 'side wide-charts';
      const lines = (heading, numbers, from_zero) => {
        if (!numbers.some((number) => number !== null))
          return;
        const figure = add(side, 'figure');
        add(figure, 'figcaption', heading);
        chart(figure, 280, {
          type: 'line',
          data: {
            datasets: names.map((name, i) => ({
                                  label: name,
                                  data: numbers.map((y, row) => ({x: columns.steps[row], y}))
                                            .filter((_, row) => columns.model[row] === name),
                                  borderColor: colours[i % colours.length],
                                  backgroundColor: colours[i % colours.length],
                                  borderWidth: 2,
                                  pointRadius: columns.steps.length > 60 * names.length ? 0 : 3
                                }))
          },
          options: {
            maintainAspectRatio: false,
            scales: {
              x: {type: 'linear', ticks: {precision: 0}, title: {display: true, text: 'steps T\''}},
              y: {beginAtZero: from_zero}
            },
            plugins: {legend: {position: 'top', labels: {boxWidth: 14}}}
          }
        });
      };
      lines('accuracy %', columns.accuracy_percent, false);
      lines('energy, uJ per sample', columns.energy_uj_per_sample, true);
    },

    conventions(parent, columns) {
      const set = (label, numbers, colour) => ({
        label,
        data: numbers.map((number) => number > 0 ? number : null),
        backgroundColor: colours[colour]
      });
      log_bars(
          parent, columns.convention,
          [set('ac', columns.ac_per_sample, 0), set('mac', columns.mac_per_sample, 1)],
          'operations per sample');
      const left_out = columns.convention.filter((_, row) => columns.not_counted[row] > 0);
      if (left_out.length > 0)
        add(parent, 'p', `${left_out.join(', ')}: products left out, see the remarks.`);
    },

    energy_models(parent, columns) {
      const energies = columns.energy_uj_per_sample;
      const names = columns.model.map((model, row) => `${model}: ${columns.profile[row]}`);
      const rows = names.map((_, row) => row).filter((row) => energies[row] !== null);
      const left_out = (row) => columns.not_priced[row] ? `, without ${columns.not_priced[row]}` : '';
      log_bars(
          parent, rows.map((row) => names[row]),
          [{data: rows.map((row) => energies[row]), backgroundColor: colours[3]}], 'uJ per sample',
          rows.map((row) => short(energies[row]) + left_out(row)));
      names.forEach((name, row) => {
        if (energies[row] === null)
          add(parent, 'p', `${name} has no number: ${columns.not_priced[row]}`);
      });
    },

    operations(parent, {kinds, layers}) {
      const datasets = kinds
                           .map((kind, k) => ({
                                  label: kind,
                                  data: layers.map((layer) => layer.counts[k]),
                                  backgroundColor: colours[k]
                                }))
                           .filter((set) => set.data.some((count) => count > 0));
      bars(parent, layers.map((layer) => layer.name), datasets, 'operations per sample');
    },

    energy(parent, {profile, layers}) {
      bars(
          parent, layers.map((layer) => layer.name),
          [{label: profile, data: layers.map((layer) => layer.nanojoules), backgroundColor: colours[3]}],
          'nJ per sample (' + profile + ')');
    },

    spikes(parent, layers) {
      const steps = Math.max(...layers.map((layer) => layer.rates.length));
      const left = 190, high = 20, cell = Math.max(6, Math.min(64, Math.floor(780 / steps)));
      const top = 22;
      const box = add(parent, 'div');
      box.className = 'wide';
      const {element, pen} = canvas(box, left + steps * cell + 90, top + layers.length * high);
      pen.fillStyle = soft;
      const every = Math.ceil(28 / cell);
      pen.textAlign = 'center';
      for (let t = 0; t < steps; t += every)
        pen.fillText(t, left + (t + 0.5) * cell, 10);
      pen.textAlign = 'right';
      pen.fillText('step', left - 8, 10);
      pen.fillText('per sample', left + steps * cell + 80, 10);
      const greatest = Math.max(1e-9, ...layers.flatMap((layer) => layer.rates));
      layers.forEach((layer, row) => {
        const y = top + row * high;
        pen.fillStyle = ink;
        pen.textAlign = 'right';
        pen.fillText(layer.name, left - 8, y + high / 2, left - 10);
        pen.fillText(short(layer.spikes_per_sample), left + steps * cell + 80, y + high / 2);
        layer.rates.forEach((rate, t) => {
          const share = rate / greatest;
          pen.fillStyle = `rgba(43, 108, 176, ${0.04 + 0.96 * share})`;
          pen.fillRect(left + t * cell, y, cell - 1, high - 1);
          if (cell >= 40) {
            pen.fillStyle = share > 0.55 ? '#fff' : ink;
            pen.textAlign = 'center';
            pen.fillText(rate.toFixed(3), left + (t + 0.5) * cell, y + high / 2);
          }
        });
      });
      tell(element, (x, y) => {
        const layer = layers[Math.floor((y - top) / high)], t = Math.floor((x - left) / cell);
        return layer && t >= 0 && t < layer.rates.length &&
            `${layer.name}, step ${t}: rate ${layer.rates[t]}`;
      });
    },

    raster(parent, all) {
      for (const one of all) {
        add(parent, 'h3', `${one.name}, sample ${one.sample}`);
        const steps = Math.max(1, ...one.spikes.map((row) => row.length));
        const left = 60, high = Math.max(6, Math.min(14, 480 / one.neurons.length));
        const cell = Math.max(2, Math.min(40, 980 / steps));
        const box = add(parent, 'div');
        box.className = 'wide';
        const rows = one.neurons.length, foot = 20;
        const {element, pen} = canvas(box, left + steps * cell + 2, rows * high + foot);
        pen.strokeStyle = line;
        pen.strokeRect(left, 0.5, steps * cell + 1, rows * high);
        const greatest = Math.max(1, ...one.spikes.flat().map(Math.abs));
        const label = Math.ceil(12 / high);
        one.spikes.forEach((row, i) => {
          pen.fillStyle = soft;
          pen.textAlign = 'right';
          if (i % label === 0)
            pen.fillText(one.neurons[i], left - 6, (i + 0.5) * high);
          row.forEach((spike, t) => {
            if (spike === 0)
              return;
            pen.fillStyle = spike > 0 ? colours[0] : colours[1];
            pen.globalAlpha = Math.abs(spike) / greatest;
            pen.fillRect(left + t * cell + cell * 0.15, i * high + 1, Math.max(1.5, cell * 0.7), high - 2);
            pen.globalAlpha = 1;
          });
        });
        pen.fillStyle = soft;
        pen.textAlign = 'center';
        const every = Math.ceil(30 / cell);
        for (let t = 0; t < steps; t += every)
          pen.fillText(t, left + (t + 0.5) * cell, rows * high + 11);
        pen.textAlign = 'right';
        pen.fillText('step', left - 6, rows * high + 11);
        tell(element, (x, y) => {
          const i = Math.floor(y / high), t = Math.floor((x - left) / cell);
          return one.spikes[i] && one.spikes[i][t] !== undefined &&
              `neuron ${one.neurons[i]}, step ${t}: ${one.spikes[i][t]}`;
        });
      }
    },

    membrane(parent, all) {
      for (const one of all) {
        add(parent, 'h3', one.name);
        chart(parent, 260, {
          type: 'line',
          data: {
            labels: one.lines[0].v.map((_, t) => t),
            datasets: one.lines.map(({neuron, v}, i) => ({
                                      label: 'neuron ' + neuron,
                                      data: v,
                                      borderColor: colours[i],
                                      backgroundColor: colours[i],
                                      borderWidth: 1.5,
                                      pointRadius: v.length > 60 ? 0 : 2.5
                                    }))
          },
          options: {
            maintainAspectRatio: false,
            scales:
                {x: {title: {display: true, text: 'step'}}, y: {title: {display: true, text: 'membrane v'}}},
            plugins: {legend: {position: 'right', labels: {boxWidth: 12}}}
          }
        });
      }
    },

    attention(parent, {maps, left_out}) {
      const groups = new Map();
      for (const map of maps)
        groups.set(map.name, [...(groups.get(map.name) || []), map]);
      for (const [name, group] of groups) {
        add(parent, 'h3', name);
        const box = add(parent, 'div');
        box.className = 'maps';
        for (const map of group) {
          const figure = add(box, 'figure');
          const element = add(figure, 'canvas');
          element.width = map.columns;
          element.height = map.rows;
          const zoom = Math.max(1, Math.round(112 / Math.max(map.rows, map.columns)));
          element.style.width = zoom * map.columns + 'px';
          element.style.height = zoom * map.rows + 'px';
          const pen = element.getContext('2d');
          const image = pen.createImageData(map.columns, map.rows);
          map.cells.forEach((cell, i) => {
            const share = cell / 255;
            image.data.set([255 - 212 * share, 255 - 147 * share, 255 - 79 * share, 255], 4 * i);
          });
          pen.putImageData(image, 0, 0);
          tell(element, (x, y) => {
            const row = Math.floor(y / zoom), column = Math.floor(x / zoom);
            const share = map.cells[row * map.columns + column] / 255;
            return `query ${row}, key ${column}: about ${
                short(map.least + share * (map.greatest - map.least))}`;
          });
          add(figure, 'figcaption', `step ${map.step}, head ${map.head}`);
          add(figure, 'figcaption',
              `${short(map.least)} to ${short(map.greatest)}` +
                  (map.rows < map.queries || map.columns < map.keys ?
                       `, means of ${map.queries} x ${map.keys}` :
                       ''));
        }
      }
      if (left_out > 0)
        add(parent, 'p', `${left_out} more maps are not kept.`);
    }
  };

  for (const [name, one] of Object.entries(data)) {
    if (section(name) && draw[name])
      draw[name](section(name), one);
  }
  document.documentElement.dataset.drawn = 'yes';
})();
