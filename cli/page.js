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
  const short = (number) => Number(number.toPrecision(4)).toLocaleString('en');

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
        x: {stacked: true, title: {display: true, text: unit}},
        y: {stacked: true, grid: {display: false}, ticks: {autoSkip: false}}
      },
      plugins: {legend: {display: datasets.length > 1, position: 'top', labels: {boxWidth: 14}}}
    }
  });

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
